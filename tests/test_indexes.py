"""No index without a query of the product that needs it: each is named here beside one, and its plan is read.

An index costs every write, so one that is missing here fails, and so does one whose query is served without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.utils import NestedObjects
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model, QuerySet, UniqueConstraint

from accounts.models import (
    Account,
    AccountTag,
    BulkEdit,
    BulkEditPart,
    FormerHandle,
    Organization,
    RosterChange,
    RosterImport,
)
from accounts.tags import Tag
from perf import clock
from perf.models import RINGS, LabelSet, QueryPlace, QueryPlan
from perf.retention import expired_views
from project.models import AccessToken, AuditEntry, AuditSubject, Invitation, SignIn
from scraping import retention
from scraping.models import (
    Alert,
    AlertMute,
    Attempt,
    JobState,
    Notice,
    PermitBlock,
    PlatformState,
    RunJob,
    RunTotal,
    Sample,
    ScrapeJob,
    ScrapeRun,
)
from snapshots.grid import GridFilters
from snapshots.models import (
    DailyTotal,
    ExportJob,
    ImportBatch,
    ImportedDay,
    JudgedFigure,
    Judgement,
    LatestSnapshot,
    Note,
    PlatformAccounts,
    PlatformTotal,
    Snapshot,
)
from workitems import search_index
from workitems.models import (
    SORTS,
    Bundle,
    CannedReason,
    Comment,
    Decision,
    Document,
    Photo,
    PhotoRestoration,
    PhotoVerdict,
    PresetNumber,
    Revision,
    StatusChange,
    Upload,
    WorkItem,
)
from workitems.models import Notice as ItemNotice

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

Rows = QuerySet[Any, Any]
READER = User(pk=1, is_active=True, is_superuser=True)
NOW = clock.now()
TODAY = clock.today()


def expired(name: str) -> Rows:
    rows: Rows = next(kind.rows for kind in retention.expired() if kind.name == name)
    return rows.values_list("pk", flat=True)[:500]


def deleting(parent: Model, model: type[Model], field: str) -> Rows:
    """What Django asks for, and PostgreSQL's foreign key too, before `parent` may go."""
    collector = NestedObjects(using="default")
    return collector.related_objects(model, [model._meta.get_field(field)], [parent])


def binned() -> Rows:
    return WorkItem.objects.filter(deleted_at__isnull=False)


def first(rows: Rows) -> Rows:
    return rows[:50]


def newest(**wanted: object) -> Rows:
    return first(WorkItem.objects.filter(**wanted).order_by(*SORTS["date_desc"]))


SERVED: dict[str, Callable[[], Rows]] = {
    # accounts
    "account_platform_handle_uniq": lambda: first(Account.objects.for_list()),
    "account_platform_external_uniq": lambda: Account.objects.filter(platform="x", external_id="7"),
    "ix_account_handle": lambda: Account.objects.filter(handle_key__in=["a", "b"]),
    "ix_account_organization": lambda: deleting(Organization(pk=1), Account, "organization"),
    "ix_account_active": lambda: first(Account.objects.active().in_order()),
    "ix_account_held": lambda: first(Account.objects.on_hold()),
    "organization_name_uniq": lambda: Organization.objects.filter(name="Office"),
    "former_handle_uniq": lambda: FormerHandle.objects.filter(platform="x", handle_key="nasa"),
    "FormerHandle.account": lambda: deleting(Account(pk=1), FormerHandle, "account"),
    "tag_key_uniq": lambda: Tag.objects.filter(key__in=["climate"]),
    "account_tag_uniq": lambda: AccountTag.objects.filter(account__among=[1, 2]),
    "ix_account_tag_tag": lambda: Account.objects.tagged(["climate"]),
    "ix_rosterimport_created": lambda: first(RosterImport.objects.for_list()),
    "RosterImport.by": lambda: deleting(READER, RosterImport, "by"),
    "rosterchange_uniq": lambda: RosterChange.objects.filter(batch=1).order_by("account_id"),
    "RosterChange.account": lambda: deleting(Account(pk=1), RosterChange, "account"),
    "bulkedit_started_once": lambda: BulkEdit.objects.filter(by=1, ticket="0" * 32),
    "bulkeditpart_uniq": lambda: BulkEditPart.objects.filter(edit=1).order_by("number"),
    # perf
    "query_place_uniq": lambda: QueryPlace.objects.filter(query_id="0" * 32, route="api:grid", place="a.py:1"),
    "ix_queryplan_query_at": lambda: QueryPlan.objects.filter(query_id="0" * 32).order_by("-at", "-pk")[:10],
    "LabelSet.labels": lambda: LabelSet.objects.filter(labels__in=["[]"]),
    "ix_pageview_at": lambda: expired_views().values_list("pk", flat=True)[:500],
    # snapshots
    "ix_note_account_day": lambda: Note.objects.filter(account=1, day__range=(TODAY, TODAY)).order_by("day", "pk"),
    "Note.author": lambda: deleting(READER, Note, "author"),
    "ix_fact_snapshot_account_date": lambda: Snapshot.objects.published().filter(account=1).order_by("date"),
    "ix_fact_snapshot_date": lambda: first(Snapshot.objects.published().order_by(*GridFilters().order)),
    "ix_fact_snapshot_to_judge": lambda: Snapshot.objects.to_judge().order_by("account_id", "date"),
    "ix_latest_followers": lambda: first(by("-followers")),
    "ix_latest_date": lambda: first(by("-date")),
    "daily_total_uniq": lambda: DailyTotal.objects.filter(date__range=(TODAY - timedelta(days=9), TODAY)).order_by(),
    "platform_total_uniq": lambda: PlatformTotal.objects.filter(
        date__range=(TODAY - timedelta(days=9), TODAY)
    ).order_by(),
    "platform_accounts_uniq": lambda: PlatformAccounts.objects.filter(platform="x"),
    "ix_daily_total_organization": lambda: deleting(Organization(pk=1), DailyTotal, "organization"),
    "ix_importbatch_created": lambda: first(ImportBatch.objects.for_page()),
    "ImportBatch.by": lambda: deleting(READER, ImportBatch, "by"),
    "importedday_uniq": lambda: ImportedDay.objects.filter(batch=1).order_by("account_id", "date"),
    "ImportedDay.account": lambda: deleting(Account(pk=1), ImportedDay, "account"),
    "ix_judgement_by": lambda: Judgement.objects.of(READER).standing().filter(at__gte=NOW),
    "judgedfigure_uniq": lambda: JudgedFigure.objects.filter(judgement=1),
    "ix_exportjob_owner": lambda: ExportJob.objects.of(READER),
    "ix_exportjob_open": ExportJob.objects.due,
    "JudgedFigure.snapshot": lambda: Judgement.objects.standing().filter(figures__snapshot=1),
    # scraping
    "alert_one_open": lambda: Alert.objects.open().filter(kind="backlog").exclude(key__in=["x"]),
    "ix_alert_closed": lambda: first(Alert.objects.closed()),
    "notice_one_per_address": lambda: Notice.objects.filter(alert=1),
    "ix_notice_due": Notice.objects.due,
    "alertmute_uniq": lambda: AlertMute.objects.filter(user=1),
    "platformstate_uniq": lambda: PlatformState.objects.filter(platform="x", host=""),
    "ix_scraperun_created": lambda: first(ScrapeRun.objects.for_runs_page()),
    "ix_scraperun_open": ScrapeRun.objects.open,
    "scraperun_one_plan_per_day": lambda: ScrapeRun.objects.filter(kind=ScrapeRun.Kind.PLANNED, date=TODAY),
    "ScrapeRun.requested_by": lambda: deleting(READER, ScrapeRun, "requested_by"),
    "runjob_uniq": lambda: RunJob.objects.filter(run=1),
    "RunJob.job": lambda: RunJob.objects.filter(job=1),
    "scrapejob_one_open_per_account": lambda: ScrapeJob.objects.filter(account__in=[1, 2]).open(),
    "scrapejob_one_planned_per_day": lambda: ScrapeJob.objects.filter(
        account__in=[1, 2], date=TODAY, reason=ScrapeJob.Reason.PLANNED
    ),
    "ix_scrapejob_claim": lambda: ScrapeJob.objects.claimable("x").order_by("order_at", "due_at", "id")[:1_000],
    "ix_scrapejob_lease": lambda: ScrapeJob.objects.filter(state=JobState.LEASED, lease_until__lte=NOW),
    "ix_scrapejob_account": lambda: ScrapeJob.objects.filter(account=1).order_by("-date", "-pk"),
    "ix_scrapejob_left_over": lambda: first(
        ScrapeJob.objects.filter(state=JobState.DUE, date__lt=TODAY).order_by("date", "id")
    ),
    "ix_scrapejob_failed": lambda: ScrapeJob.objects.filter(platform="x", date=TODAY, state=JobState.FAILED),
    "ix_scrapejob_finished": lambda: ScrapeJob.objects.filter(finished_at__gte=NOW, finished_at__lt=NOW),
    "Attempt.job": lambda: Attempt.objects.filter(job=1),
    "ix_attempt_platform": lambda: Attempt.objects.older_than(NOW),
    "ix_attempt_account": lambda: Attempt.objects.filter(account=1).order_by("-started_at"),
    "outcomehour_uniq": lambda: expired("hours of tries"),
    "jobhour_uniq": lambda: expired("hours of jobs"),
    "runtotal_uniq": lambda: RunTotal.objects.filter(run=1),
    "ix_permitblock_platform": lambda: PermitBlock.objects.filter(platform="x", granted_at__gte=NOW),
    "ix_permitblock_expires": lambda: expired("permit blocks"),
    "ix_sample_platform": lambda: first(
        Sample.objects.filter(platform="x", outcome="unreadable").order_by("-taken_at", "-id")
    ),
    "ix_sample_account": lambda: deleting(Account(pk=1), Sample, "account"),
    # project
    "AccessToken.hash": lambda: AccessToken.objects.usable().filter(hash="0" * 64),
    "ix_access_token_user": lambda: AccessToken.objects.for_list(READER),
    "SignIn.session": lambda: SignIn.objects.filter(session_id="0" * 32),
    "ix_sign_in_user": lambda: SignIn.objects.filter(user=READER),
    "audit_subject_uniq": lambda: first(AuditSubject.objects.filter(account_id=1).order_by("-entry_id")),
    "ix_audit_created": lambda: first(AuditEntry.objects.order_by("-created_at", "-pk")),
    "ix_audit_action": lambda: first(AuditEntry.objects.filter(action="x").order_by("-created_at", "-pk")),
    "ix_audit_actor": lambda: deleting(READER, AuditEntry, "actor"),
    "Invitation.hash": lambda: Invitation.objects.open().filter(hash="0" * 64),
    "Invitation.created_by": lambda: deleting(READER, Invitation, "created_by"),
    "Invitation.used_by": lambda: deleting(READER, Invitation, "used_by"),
    "ix_invitation_created": lambda: first(Invitation.objects.order_by("-created_at", "-pk")),
    # workitems
    "preset_number_code_uniq": lambda: PresetNumber.objects.filter(code="A-1"),
    "workitem_number_uniq": lambda: WorkItem.objects.filter(number="0020"),
    "workitem_key_uniq": lambda: WorkItem.objects.filter(submitter=1, key="a"),
    "ix_workitem_by_status": lambda: newest(status="submitted"),
    "ix_workitem_by_date": newest,
    "ix_workitem_by_location": lambda: newest(location="Roof"),
    "ix_workitem_by_assignee": lambda: newest(assigned_to_name="Mark"),
    "ix_workitem_without_photos": lambda: newest(photo_count=0),
    "ix_workitem_assigned_to": lambda: WorkItem.objects.waiting_for(READER).order_by(),
    "ix_workitem_by_submitter": lambda: first(WorkItem.objects.order_by(*SORTS["submitter"])),
    "ix_workitem_submitter": lambda: WorkItem.objects.filter(submitter=1),
    "ix_workitem_in_the_bin": lambda: first(binned().order_by("-deleted_at", "-pk")),
    "ix_decision_by_at": lambda: first(Decision.objects.of(READER).standing().order_by("-at")),
    "ix_photo_work_item": lambda: Photo.objects.filter(work_item__in=[1, 2]).order_by("position", "pk"),
    "photo_key_uniq": lambda: Photo.objects.filter(work_item=1, key="a"),
    "ix_photo_waiting": lambda: first(Photo.objects.waiting()),
    "ix_photo_original": lambda: Photo.objects.filter(original__in=["a", "b"]),
    "ix_photo_replaces": lambda: deleting(Photo(pk=1), Photo, "replaces"),
    "ix_photo_verdict_photo": lambda: PhotoVerdict.objects.filter(photo__in=[1, 2]),
    "ix_photo_restoration_photo": lambda: PhotoRestoration.objects.filter(photo__in=[1, 2]),
    "ix_photo_removed": lambda: first(Photo.objects.removed_before(NOW)),
    "ix_upload_replaces": lambda: deleting(Photo(pk=1), Upload, "replaces"),
    "ix_upload_open": lambda: Upload.objects.open().filter(touched_at__lt=NOW),
    "upload_key_uniq": lambda: Upload.objects.filter(work_item=1, key="a"),
    "Upload.photo": lambda: Upload.objects.filter(photo=1),
    "revision_uniq": lambda: Revision.objects.filter(work_item=1, version__gt=3),
    "canned_reason_uniq": lambda: CannedReason.objects.filter(status="needs_revision", text="a"),
    "ix_comment_work_item": lambda: Comment.objects.filter(work_item=1).order_by("created_at", "pk"),
    "ix_status_change_work_item": lambda: StatusChange.objects.filter(work_item=1),
    "document_uniq": lambda: Document.objects.filter(work_item=1, version=3),
    "ix_document_due": lambda: Document.objects.filter(made_at=None).order_by("id"),
    "ix_bundle_owner": lambda: Bundle.objects.of(READER),
    "ix_bundle_open": lambda: Bundle.objects.open().order_by("id"),
    "ix_wi_notice_due": ItemNotice.objects.pending,
    "ix_wi_notice_work_item": lambda: deleting(WorkItem(pk=1), ItemNotice, "work_item"),
    "ix_wi_notice_created_at": lambda: first(ItemNotice.objects.over_before(NOW)),
    "ix_wi_notice_recipient": lambda: ItemNotice.objects.for_log(READER),
    # required as such (B16, B18), for lists of what was said and done lately
    "ix_comment_created_at": lambda: first(Comment.objects.order_by("-created_at")),
    "ix_status_change_changed_at": lambda: first(StatusChange.objects.order_by("-changed_at")),
}
SERVED |= {  # the tables of each ring: a page reads all names of some time
    f"uq_{table._meta.model_name}": partial(table._default_manager.filter, start__gte=NOW, start__lt=NOW, kind="h")
    for ring in RINGS
    for table in ring.tables
}
"""Each index, and the query of the product that it is there for."""


NOT_ON_SQLITE = {"ix_account_active", "ix_exportjob_open", "ix_scraperun_open", "scrapejob_one_open_per_account"}
NOT_ON_SQLITE |= {"ix_bundle_open", "ix_photo_waiting", "photo_key_uniq", "workitem_key_uniq"}
"""SQLite compares a bare boolean with no index, nor a parameter with what a partial index says."""


def by(sort: str) -> Rows:
    return LatestSnapshot.objects.known().order_by(*GridFilters(day="latest", sort=sort).order)


def declared() -> Iterator[tuple[str, type[Model]]]:
    """Every index that our models ask for, primary keys aside: its name, or Model.field where Django names it."""
    for label in ("accounts", "perf", "project", "scraping", "snapshots", "workitems"):
        for model in apps.get_app_config(label).get_models():
            if not model._meta.managed or model._meta.proxy:
                continue
            unique = (each for each in model._meta.constraints if isinstance(each, UniqueConstraint))
            for made in chain(model._meta.indexes, unique):
                yield made.name, model
            for field in model._meta.local_concrete_fields:
                if (field.db_index or field.unique) and not field.primary_key:
                    yield f"{model.__name__}.{field.name}", model


def columns(name: str, model: type[Model]) -> list[str]:
    """What the index is made of."""
    for made in (*model._meta.indexes, *model._meta.constraints):
        if made.name == name:
            return [f"{way}{model._meta.get_field(field).attname}" for field, way in ordered(made)]
    return [model._meta.get_field(name.partition(".")[2]).attname]


def bare(name: str, model: type[Model]) -> list[str]:
    """The same without directions: an index is read from either end."""
    return [column.lstrip("-") for column in columns(name, model)]


def ordered(made: Any) -> list[tuple[str, str]]:
    return getattr(made, "fields_orders", None) or [(field, "") for field in made.fields]


def is_partial(name: str, model: type[Model]) -> bool:
    """Whether the index holds only some of the rows."""
    return any(made.name == name and made.condition for made in (*model._meta.indexes, *unique(model)))


def unique(model: type[Model]) -> list[UniqueConstraint]:
    return [each for each in model._meta.constraints if isinstance(each, UniqueConstraint)]


def names_in_plans(name: str, model: type[Model]) -> set[str]:
    """How a plan calls the index: SQLite keeps a constraint's own name to itself, Django makes up a field's."""
    table = model._meta.db_table
    if "." not in name and (connection.vendor == "postgresql" or name not in {each.name for each in unique(model)}):
        return {name}
    if connection.vendor == "sqlite" and "." not in name and not is_partial(name, model):
        return {f"sqlite_autoindex_{table}_"}
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    own = {made for made, has in found.items() if has["columns"] == bare(name, model) and not has["primary_key"]}
    return own | {name, f"sqlite_autoindex_{table}_"}


def plan(rows: Rows) -> str:
    """How the database would find `rows` in a table too large to be read, or sorted, whole."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for way in ("seqscan", "bitmapscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
    return str(rows.explain())


DECLARED = dict(declared())


def test_every_index_has_a_query_and_every_query_its_index() -> None:
    assert set(SERVED) ^ set(DECLARED) == set()


@pytest.fixture
def uncounted() -> None:
    """Tables that PostgreSQL has never counted: in one that it knows to be empty every index costs the same.

    Other tests and autovacuum count tables, and that outlives a rollback.
    """
    if connection.vendor == "postgresql":
        tables = ", ".join(sorted({connection.ops.quote_name(model._meta.db_table) for model in DECLARED.values()}))
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {tables} CASCADE")


def test_each_query_is_served_by_its_index(uncounted: None) -> None:
    asked = SERVED.keys() - (NOT_ON_SQLITE if connection.vendor == "sqlite" else ())
    plans = {name: plan(SERVED[name]()) for name in sorted(asked)}
    missed = {
        name: text
        for name, text in plans.items()
        if not any(called in text for called in names_in_plans(name, DECLARED[name]))
    }
    assert missed == {}


def test_no_index_is_the_beginning_of_another() -> None:
    whole = {name: (model, bare(name, model)) for name, model in DECLARED.items() if not is_partial(name, model)}
    twice = [
        (name, other)
        for name, (model, own) in whole.items()
        for other, (its_model, its) in whole.items()
        if name != other
        and model is its_model
        and [c.lstrip("-") for c in its[: len(own)]] == [c.lstrip("-") for c in own]
    ]
    assert twice == []


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite hides the names of constraints")
def test_database_has_no_index_that_no_model_declares() -> None:
    called = {made for name, model in DECLARED.items() for made in names_in_plans(name, model)}
    tables = {model._meta.db_table for model in DECLARED.values()}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname, t.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            JOIN pg_class t ON t.oid = i.indrelid WHERE NOT i.indisprimary AND t.relname = ANY(%s)""",
            [sorted(tables)],
        )
        found = dict(cursor.fetchall())
    assert found.keys() - called == {search_index.WORDS, search_index.LETTERS}  # which no model can declare
