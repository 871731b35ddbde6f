"""`python -m tests.migrations`: what every migration's SQL locks on PostgreSQL, as squawk reads it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

APPS = ("accounts", "perf", "project", "scraping", "snapshots", "workitems")
ONLINE = {"AddIndexOnline", "RemoveIndexOnline", "AddConstraintOnline", "AddFieldOnce", "RunPython"}
"""Operations that may run a second time, as those of a migration without a transaction do when it is killed."""

NOT_ASKED = {
    "prefer-text-field": "Django checks lengths too, and forms show them; a longer limit rewrites nothing",
    "prefer-bigint-over-int": "counts that stay far below two thousand million",
    "prefer-bigint-over-smallint": "tries and positions",
    "prefer-robust-stmts": "a transaction is undone as a whole; without one, ONLINE operations look first",
    "require-lock-timeout": "manage.py migrate sets it",
    "require-statement-timeout": "manage.py migrate decides it",
}


class Finding(NamedTuple):
    """What squawk says of one migration."""

    migration: str
    rule: str


NEW_TABLES = "the columns belong to tables that the same migration makes"
UNCHECKED = "columns added empty and NULL: PostgreSQL checks no row of theirs"
BEFORE_STOPPED = "its workers are to be stopped: better their INSERTs fail than that they are never summed up"
EXCEPTIONS = {
    Finding("scraping_0001_initial", "adding-foreign-key-constraint"): NEW_TABLES,
    Finding("scraping_0001_initial", "adding-required-field"): NEW_TABLES,
    Finding("scraping_0005_keep_alerts_and_hours", "adding-foreign-key-constraint"): NEW_TABLES,
    Finding("scraping_0005_keep_alerts_and_hours", "adding-required-field"): NEW_TABLES,
    Finding("snapshots_0010_what_accounts_gained_per_day", "ban-drop-default"): BEFORE_STOPPED,
    Finding("snapshots_0013_count_published_figures", "ban-drop-default"): BEFORE_STOPPED,
    Finding("workitems_0003_photos_uploads_and_revisions", "adding-foreign-key-constraint"): UNCHECKED,
    Finding("workitems_0003_photos_uploads_and_revisions", "adding-required-field"): NEW_TABLES,
    Finding("workitems_0003_photos_uploads_and_revisions", "disallowed-unique-constraint"): NEW_TABLES,
}
"""What squawk warns of and is harmless, and why. `ban-drop-default` is how a new column without db_default shows: the
previous version's INSERTs, which do not name it, fail while both run."""


def statements() -> Iterator[tuple[str, str]]:
    """Each of our migrations with its SQL on PostgreSQL, in the order in which they run."""
    from django.db import connection  # Django is ready only now
    from django.db.migrations.loader import MigrationLoader  # the same
    from django.db.migrations.state import ProjectState  # the same

    loader = MigrationLoader(None)
    state = ProjectState(real_apps=loader.unmigrated_apps)
    _ = state.apps  # rendered now, it is kept up to date from operation to operation; else each renders all of it
    plan = dict.fromkeys(key for leaf in loader.graph.leaf_nodes() for key in loader.graph.forwards_plan(leaf))
    for app, name in plan:
        migration = loader.graph.nodes[app, name]
        if app not in APPS:
            state = migration.mutate_state(state, preserve=False)
            continue
        with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
            state = migration.apply(state, editor, collect_sql=True)
        sql = "\n".join(editor.collected_sql)
        yield f"{app}_{name}", f"BEGIN;\n{sql}\nCOMMIT;" if migration.atomic else sql


def findings(migrations: Iterator[tuple[str, str]]) -> set[Finding]:
    """What squawk says of these; a table that is made in the same transaction may be locked."""
    with tempfile.TemporaryDirectory() as folder:
        for name, sql in migrations:
            Path(folder, f"{name}.sql").write_text(sql)
        rules = ",".join(NOT_ASKED)
        command = [str(Path(sys.executable).with_name("squawk")), "--pg-version", "15.0", "--reporter", "json"]
        told = subprocess.run(  # our own command
            [*command, "--exclude", rules, *map(str, sorted(Path(folder).iterdir()))],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if told.returncode not in {0, 1}:
        raise RuntimeError(f"squawk failed: {told.stderr}")
    return {Finding(Path(one["file"]).stem, one["rule_name"]) for one in json.loads(told.stdout)}


def faults(found: set[Finding]) -> list[str]:
    """What is wrong, a line each: what nobody gave a reason for, and reasons for what is no longer there."""
    return [
        *(
            f"{one.migration}: {one.rule} (see perf/operations.py, or give a reason)"
            for one in found - EXCEPTIONS.keys()
        ),
        *(f"{one.migration}: {one.rule} is no longer found: remove its reason" for one in EXCEPTIONS.keys() - found),
    ]


def main() -> int:
    """1 when a migration locks what it should not, or an exception is no longer needed."""
    from tests import services  # it starts a PostgreSQL, which reading this module should not

    services.start()
    try:
        import django  # the settings read what was started

        django.setup()
        wrong = sorted(faults(findings(statements())))
    finally:
        services.stop()
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return int(bool(wrong))


if __name__ == "__main__":
    import os

    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    sys.exit(main())
