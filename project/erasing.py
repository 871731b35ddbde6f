"""Erasing one person: their work stays under a pseudonym, and everything that says who it was goes.

All rows change in one transaction. Whatever else keeps old bytes (the cache, free pages of a SQLite file) is emptied
after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.apps import apps
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.cache import ACCOUNT, ACCOUNTS
from perf import cache
from perf.cache import Unreachable, forget
from perf.events import happened
from project.audit import LOCKED_OUT, SIGN_IN_FAILED
from project.identities import AUTH
from project.models import AuditEntry, Invitation
from project.naming import Known, known, pseudonym
from project.roles import ADMINISTER
from project.second_step import REFUSED
from project.sessions import end_all
from project.sweeping import Found, copies, rows_of, searched, sweep
from scraping.models import Notice as AlertNotice
from snapshots.cache import GRID, HISTORY, NOTES, SUMMARY
from workitems import erasing as files
from workitems.cache import ITEM, STATS, WORKITEMS
from workitems.models import Contact, Notice, Revision, WorkItem

OWN = {
    "otp_static.StaticDevice": "user",
    "otp_totp.TOTPDevice": "user",
    "project.AccessToken": "user",
    "project.SignIn": "user",
    "scraping.AlertMute": "user",
    "snapshots.ExportJob": "owner",
    "workitems.Bundle": "owner",
    "workitems.Contact": "user",
}
"""Model → the column that says whose its rows are: rows that nobody else has a use for go."""

KEPT = {"admin.LogEntry": "what an administrator changed; it names the pseudonym"}
"""Rows that would go with the person's own, and stay because that one stays."""

FAMILIES = (AUTH, WORKITEMS, ITEM, STATS, ACCOUNTS, ACCOUNT, SUMMARY, GRID, HISTORY, NOTES)
BACKEND = "django.contrib.auth.backends.ModelBackend"


class NotErased(Exception):
    """Nobody was erased; the message says why and what to do."""


@dataclass(slots=True)
class Erasure:
    """What became of one person, or with a dry run would: counts by what they count."""

    pseudonym: str
    renamed: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def is_erased(user: User) -> bool:
    """Whether `user` is what an erasure left of somebody."""
    return user.username == pseudonym(user)


def plan(user: User, also: Iterable[str] = ()) -> Erasure:
    """What `erase` would do; nothing is written. Raises NotErased."""
    _check(user)
    found = sweep(_known(user, also), user, write=False)
    own = {label: _own(user, label).count() for label in OWN}
    files_of = {"photos": files.photos_of(user).count(), "uploads": files.uploads_of(user).count()}
    return Erasure(pseudonym(user), found.counts, _filled(own), _filled(files_of), found.left)


def erase(user: User, *, by: Any, also: Iterable[str] = ()) -> Erasure:
    """Erase `user` for good, under every name they are known by and those of `also`. Audited. Raises NotErased.

    What requests of theirs wrote while it ran is found by going through everything once more.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        _check(user)
        who = _known(user, also)
        erasure = _erase(user, who)
        happened(by, "person.erased", erasure.pseudonym, {"rows": erasure.renamed, "deleted": erasure.deleted})
    with transaction.atomic():
        end_all(user)
        sweep(who, user, write=True)
        forget(*FAMILIES)
    _empty(erasure)
    return erasure


def _check(user: User) -> None:
    if is_erased(user):
        raise NotErased(f"{user.username} is erased already.")
    if User.objects.filter(username=pseudonym(user)).exists():
        raise NotErased(f"Somebody else is called {pseudonym(user)}. Give them another name first.")
    others = User.objects.with_perm(ADMINISTER, backend=BACKEND).filter(is_active=True).exclude(pk=user.pk)
    if user.is_active and user.has_perm(ADMINISTER) and not others.exists():
        raise NotErased("Nobody else may administer. Give another person the role admin first.")


def _erase(user: User, who: Known) -> Erasure:
    """Every row, and the files that hold the person."""
    erasure = Erasure(who.pseudonym)
    erasure.files["uploads"] = files.forget_uploads(user)
    erasure.files["photos cleaned"] = files.clean_photos(user)
    erasure.deleted = _filled(_forget_traces(user, who) | {label: _delete(user, label) for label in OWN})
    _empty_row(user)
    found = sweep(who, user, write=True)
    erasure.renamed, erasure.left = found.counts, found.left
    erasure.files["Word files renamed"] = files.rename_in_documents(_items_of(user, found), who.replace_name)
    erasure.files["zips of Word files removed"] = files.expire_bundles()
    erasure.files = _filled(erasure.files)
    forget(*FAMILIES)
    return erasure


def _known(user: User, also: Iterable[str]) -> Known:
    """Every name, address and phone that some row says the person has or had; another's present name is not theirs."""
    said = {
        name
        for model, columns in searched()
        for rows, column in copies(model, columns, user)
        for name in rows.order_by().values_list(column, flat=True).distinct()
    }
    logins = set(AuditEntry.objects.filter(actor=user).values_list("actor_name", flat=True).distinct())
    names = {name for name in said - logins if " " in name.strip()}  # of one word, it may be any word
    for other in User.objects.exclude(pk=user.pk).filter(Q(username__in=logins) | Q(last_name__in=_last_words(names))):
        logins, names = logins - {other.username}, names - {other.get_full_name()}
    return known(user, logins=logins, names={*names, *also}, contacts=_contacts(user))


def _last_words(names: Iterable[str]) -> set[str]:
    return {" ".join(name.split()[first:]) for name in names for first in range(1, len(name.split()))}


def _contacts(user: User) -> set[str]:
    """Mail addresses and phones that notices and invitations reached the person by."""
    addresses = set(Notice.objects.filter(recipient=user).values_list("address", flat=True).distinct())
    for pair in Invitation.objects.filter(used_by=user).values_list("email", "phone"):
        addresses.update(pair)
    return addresses | set(Contact.objects.filter(user=user).values_list("phone", flat=True))


def _own(user: User, label: str) -> Any:
    return apps.get_model(label)._default_manager.filter(**{OWN[label]: user})


def _delete(user: User, label: str) -> int:
    count: int = _own(user, label).count()
    _own(user, label).delete()
    return count


def _forget_traces(user: User, who: Known) -> dict[str, int]:
    """Sessions, tries to sign in, addresses of browsers, messages under way, claims; what was deleted, by its name."""
    traces = {"sessions": end_all(user)}
    said = {word.lower() for word in who.logins | who.contacts}
    for model in (AccessAttempt, AccessLog, AccessFailureLog):
        traces[model._meta.label] = (
            model.objects.alias(folded=Lower("username")).filter(folded__in=said).delete()[1].get(model._meta.label, 0)
        )
    waiting = Q(sent_at=None, given_up=False)
    traces["notices"], _ = Notice.objects.filter(waiting, recipient=user).delete()
    alerts, _ = AlertNotice.objects.filter(waiting, address__in=who.contacts).delete()
    traces["notices"] += alerts
    Notice.objects.filter(recipient=user).update(address="")
    Invitation.objects.filter(used_by=user).update(email="", phone="")
    about = Q(actor=user) | Q(action__startswith="auth.", target__in=who.logins | who.contacts)
    rows_of(AuditEntry).filter(about).update(address=None)
    refusals = (REFUSED, SIGN_IN_FAILED, LOCKED_OUT)
    rows_of(AuditEntry).filter(about, action__in=refusals).update(detail={})  # where they were
    targets = rows_of(AuditEntry).filter(~Q(action__startswith="tags."), target__in=who.logins | who.names)
    targets.update(target=who.pseudonym)
    WorkItem.objects.filter(claimed_by=user).update(claimed_by=None, claimed_by_name="", claimed_until=None)
    return traces


def _empty_row(user: User) -> None:
    """Leave of the person's own row the number that their work refers to, and a name made of it."""
    user.username, user.first_name, user.last_name, user.email = pseudonym(user), "", "", ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.last_login = None
    user.set_unusable_password()
    user.save()
    user.groups.clear()
    user.user_permissions.clear()


def _items_of(user: User, found: Found) -> set[int]:
    """The work items whose Word files may name the person: their own, and those of which some word was changed."""
    items = set(WorkItem.objects.filter(submitter=user).values_list("pk", flat=True))
    items |= found.rows[WorkItem._meta.label]
    for model in (Revision, apps.get_model("workitems.Photo")):
        named = model._default_manager.filter(pk__among=list(found.rows[model._meta.label]))
        items |= set(named.values_list("work_item", flat=True))
    return items


def _empty(erasure: Erasure) -> None:
    """Empty what keeps old bytes beside the rows: cached answers, and the free pages of a SQLite file."""
    try:
        cache.clear()
    except Unreachable:
        erasure.warnings.append("Redis does not answer. What it holds is not shown any more and ends by itself.")
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        try:
            with connection.cursor() as cursor:
                cursor.execute("VACUUM")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except OperationalError as error:
            erasure.warnings.append(
                f"The free pages of the database file were not emptied ({error}). Run VACUUM on it."
            )


def _filled(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}
