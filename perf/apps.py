"""App configuration of perf."""

from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class PerfConfig(AppConfig):
    """Measuring tools the other apps use, and what they recorded."""

    name = "perf"

    def ready(self) -> None:
        import_module("perf.conf").refuse_wrong_ones()
        import_module("perf.lookups")
        import_module("perf.exemplars")
        import_module("perf.reads")
        import_module("perf.flushing")  # what is recorded from here on is passed on
        import_module("perf.retention")
        import_module("perf.findings.watching")  # every ended request and task is looked at
        from perf.queries import watch_connection  # noqa: PLC0415  # settings are complete only now

        connection_created.connect(watch_connection)
        import_module("perf.failures").connect()
        if find_spec("celery"):
            import_module("perf.celery").connect()
        import_module("perf.sizes.sampling").install()
