"""Restoring a backup: everything is checked first, the rows come back in one transaction, or nothing does."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Q

from accounts.models import Account
from perf import cache
from perf.events import happened
from project.backups import rows, unfinished
from project.backups.files import Returned
from project.backups.manifest import Manifest, Say, Table, table_file
from project.backups.unfinished import Unfinished
from snapshots.exports.jobs import ExportJob, State
from workitems import processing
from workitems.models import Bundle, Photo, WorkItem

FILLED = {"people": User, "accounts": Account, "work items": WorkItem}
"""What nobody gives up by mistake: with one of any, the database is not empty."""
LOCK_TIMEOUT = "10s"  # whoever reads the tables for longer than that still runs

ERASED = "erased-"  # and the person's number: what `manage.py erase_person` calls them
Key = tuple[str, str]


class RestoreRefused(Exception):
    """The backup cannot be restored here; nothing was changed. The message is for people."""


class BrokenOff(Exception):
    """The rows are back and something else is not: the same restore, given again, does the rest. For people too."""


def restore(folder: Path, say: Say, *, replace: bool = False) -> Manifest:
    """Bring the database and the files back as they are in the backup at `folder`; what it said of itself.

    Into an empty database, or with `replace` in the place of everything that is there. Nothing else may use the
    database meanwhile. Raises BadBackup, RestoreRefused, OSError; then the database holds what it held. A restore that
    is killed, or raises BrokenOff, is gone on with when it is given again: the rows come back once, all together.
    """
    manifest = Manifest.of(folder)
    leaves = _state(manifest)
    begun = unfinished.find()
    again = begun is not None and begun.digest == manifest.digest
    if not (replace or again):
        _refuse_filled(begun)
    _refuse_used()
    files = Returned(folder, manifest.verify(folder, say))
    if files.others and not (replace or again):
        raise RestoreRefused(
            f"Other files lie under the names of {len(files.others):,} of this backup's in {files.place}. Move them"
            " away, set MEDIA_ROOT or S3_PREFIX to an empty place, or give --replace to lose them. Nothing was changed."
        )
    if begun is None or not again:
        begun = Unfinished(str(folder), manifest.digest, _erased())
        found = _prepare(manifest, leaves, replace=replace)
        with files.taken_back_on_error():
            files.put(say)
            _load(manifest, found, begun, say)
    _finish(manifest, files, begun, say)
    return manifest


def _finish(manifest: Manifest, files: Returned, begun: Unfinished, say: Say) -> None:
    """Do what is left once the rows are back; all of it may be repeated. Raises BrokenOff."""
    try:
        files.put(say)
        files.replace()
        _settle(manifest, begun, say)
    except (OSError, DatabaseError, CommandError) as error:
        raise BrokenOff(
            f"All rows are back, and not everything else: {error}. Mend that, then run the same command again. Until"
            " then Tidemark does not start."
        ) from error


def _state(manifest: Manifest) -> list[Key]:
    """The last migrations that the backup's database had, one of each app. Raises RestoreRefused for a newer one."""
    graph = MigrationExecutor(connection).loader.graph
    applied = {(app, name) for app, name in manifest.migrations}
    if unknown := sorted(applied - graph.nodes.keys()):
        app, name = unknown[0]
        raise RestoreRefused(
            f"This backup is of another version of Tidemark: it has the migration {app}.{name}, which is unknown here."
            " Install the version that made it, restore, then upgrade."
        )
    return [key for key in sorted(applied) if not _follows(graph, key, applied)]


def _follows(graph: object, key: Key, applied: set[Key]) -> bool:
    """Whether another of `applied` comes after `key` in its app."""
    children = graph.node_map[key].children  # type: ignore[attr-defined]  # typed nowhere
    return any(child.key[0] == key[0] and child.key in applied for child in children)


def _refuse_filled(begun: Unfinished | None) -> None:
    if begun is not None:
        raise RestoreRefused(f"{begun.advice} Or give --replace to restore this other one instead.")
    there = set(connection.introspection.table_names())
    counts = {name: model._base_manager.count() for name, model in FILLED.items() if model._meta.db_table in there}
    if any(counts.values()):
        held = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        raise RestoreRefused(
            f"This database is not empty: {held}. Restore into an empty one (another DATA_DIR or DATABASE_URL), or give"
            " --replace to lose what it holds. Nothing was changed."
        )


def _refuse_used() -> None:
    """Refuse while others of our role are connected: what they know would be of rows that are gone."""
    if connection.vendor != "postgresql" or connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:
        return  # a pooler's sessions are nobody's and everybody's
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        [others] = cursor.fetchone()
    if others:
        raise RestoreRefused(
            f"This database is in use (connections besides ours: {others:,}). Stop web servers, workers and beat on"
            " every host, then try again; whoever is left stands in pg_stat_activity. Nothing was changed."
        )


def _erased() -> list[int]:
    """The people who were erased from the database that is here, by number."""
    if User._meta.db_table not in connection.introspection.table_names():
        return []
    return list(User.objects.filter(username__startswith=ERASED).values_list("pk", flat=True))


def _prepare(manifest: Manifest, leaves: list[Key], *, replace: bool) -> list[rows.Model]:
    """Bring the tables to what they were when the backup was made; their models of then, all checked against it."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(leaves)
    newer = set(executor.loader.applied_migrations) & executor.loader.graph.nodes.keys()
    newer -= {(app, name) for app, name in manifest.migrations}
    if replace and newer:
        raise RestoreRefused(
            "This database is of a newer version than the backup. Restore into an empty one instead; it is brought to"
            " the new version afterwards. Nothing was changed."
        )
    if plan:
        executor.migrate(leaves)
    registry = executor.loader.project_state(leaves).apps
    found = rows.stored_models(registry)
    wanted = {model._meta.db_table for model in found} - rows.LEFT_OUT
    told = manifest.tables.keys() - rows.LEFT_OUT  # earlier versions wrote sign-ins without their sessions
    if wanted != told:
        odd = ", ".join(sorted(wanted ^ told))
        raise RestoreRefused(f"The tables of this backup are not those of its version: {odd}. Nothing was restored.")
    return found


def _load(manifest: Manifest, found: list[rows.Model], begun: Unfinished, say: Say) -> None:
    """Put every row in the place of those that are there, in one transaction. Raises RestoreRefused."""
    with _nothing_on_error(), transaction.atomic():
        rows.written_so()
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        rows.empty(found)
        for model in found:
            name = model._meta.db_table
            if name not in rows.LEFT_OUT:
                _load_table(model, table_file(Path(begun.folder), name), manifest.tables[name], say)
        unfinished.begin(begun)
    ContentType.objects.clear_cache()


def _load_table(model: rows.Model, path: Path, table: Table, say: Say) -> None:
    name = model._meta.db_table
    if set(table.columns) != rows.columns_of(model).keys():
        raise RestoreRefused(f"The columns of {name} are not those of its version. Nothing was restored.")
    with gzip.open(path) as lines:
        count = rows.read(model, table.columns, lines)  # type: ignore[arg-type]  # a file by all that is asked of it
    if count != table.rows:
        raise RestoreRefused(f"{name} holds {count:,} rows, not {table.rows:,}. Nothing was restored.")
    if table.next is not None:
        rows.count_on(model, table.next)
    if count:
        say(f"{name}: {count:,} rows")


@contextmanager
def _nothing_on_error() -> Iterator[None]:
    try:
        yield
    except (DatabaseError, ValueError, KeyError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        first = str(error).strip().partition("\n")[0]
        raise RestoreRefused(f"The rows cannot be read into this database: {first}. Nothing was restored.") from error


def _settle(manifest: Manifest, begun: Unfinished, say: Say) -> None:
    """Bring what came back to this version and to this day; each step may be repeated."""
    call_command("migrate", interactive=False, verbosity=0)
    call_command("sync_roles", stdout=StringIO())  # its changes are in the audit log
    try:
        cache.clear()
    except cache.Unreachable:
        say("Redis does not answer: run `manage.py clear_cache` when it does, unless `up` starts it.")
    back = User.objects.filter(pk__in=begun.erased).exclude(username__startswith=ERASED)
    for name in back.values_list("username", flat=True):
        say(f"{name} was erased since then and is back: run `manage.py erase_person {name}`")
    with transaction.atomic():
        # Files that were made to be fetched once are not in a backup: they can be asked for again.
        ExportJob.objects.filter(state=State.DONE).update(state=State.EXPIRED)
        Bundle.objects.filter(state=Bundle.State.DONE).update(state=Bundle.State.EXPIRED)
        lost = Q(rendition__in=manifest.missing) | Q(thumbnail_path__in=manifest.missing)
        processing.rebuild(Photo.objects.filter(lost, state=Photo.State.READY).exclude(original__in=manifest.missing))
        happened(None, "backup.restored", manifest.made_at, {"rows": manifest.rows, "missing": len(manifest.missing)})
        unfinished.end()
