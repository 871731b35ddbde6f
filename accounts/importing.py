"""Importing a roster: a verdict with its reason for every line, then one bulk write."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Q

from accounts.models import Account, AccountTag, FormerHandle, Organization, RosterImport
from accounts.platforms import (
    PLATFORMS,
    NotAProfile,
    Profile,
    find_platform,
    handle_key,
    normalise_handle,
    parse_profile_url,
    profile_url,
)
from accounts.rosters import Row
from accounts.signals import announce
from accounts.states import Absent, held_states, keep_changes
from accounts.tags import tag_key
from accounts.writing import CHUNK
from perf.clock import now
from perf.events import happened

if TYPE_CHECKING:
    from accounts.models import Person

UNASSIGNED = "Unassigned"  # the organisation of rows that name none
GIVEN_MAX = 500  # characters kept of what a line gave
LARGE_CHUNK = 10_000  # where the database takes that many values in one statement


class Verdict(StrEnum):
    """What an import makes of one line."""

    NEW = "new"
    UPDATES = "updates"
    EXISTS = "exists"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(slots=True)
class Line:
    """One row with its verdict. `key`: platform and handle key; `account_id`: whom it is about, once there is one."""

    number: int
    given: str
    verdict: Verdict
    reason: str = ""
    profile: Profile | None = None
    key: tuple[str, str] = ("", "")
    organization: str = ""
    core: bool | None = None
    core_if_new: bool = False
    tags: tuple[str, ...] | None = None
    states_url: bool = False
    account_id: int | None = None

    def refuse(self, reason: str) -> None:
        """Turn the line down, for `reason`."""
        self.verdict, self.reason = Verdict.REFUSED, reason


@dataclass(frozen=True, slots=True)
class Import:
    """What an import did or would do: its lines in order, and whether they were written.

    `batch` is what undoes it, where it was.
    """

    lines: list[Line]
    written: bool
    batch: RosterImport | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many lines got each verdict, all five named."""
        return counted(self.lines)


def counted(lines: Iterable[Line]) -> dict[str, int]:
    """How many of `lines` got each verdict, all five named."""
    found = Counter(line.verdict for line in lines)
    return {verdict.value: found[verdict] for verdict in Verdict}


def noted(lines: Iterable[Line]) -> list[list[Any]]:
    """What came of each line, as it is kept: its number, what was given, the verdict and why."""
    return [[line.number, shown(line.given), line.verdict.value, shown(line.reason)] for line in lines]


def shown(text: str) -> str:
    """`text` with a mark for each character that no database or page can show, at most GIVEN_MAX long."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text[:GIVEN_MAX])


def plan_import(rows: Iterable[Row]) -> list[Line]:
    """A verdict with its reason for every row, in order; nothing is written.

    Three queries a chunk of rows at most, and one for tags.
    """
    lines = [_resolved(row) for row in rows]
    _mark_duplicates(lines)
    _compare([line for line in lines if line.verdict is Verdict.NEW])
    return lines


def import_roster(
    rows: Iterable[Row],
    *,
    by: Person,
    all_or_nothing: bool = False,
    dry_run: bool = False,
    name: str = "",
    draft: RosterImport | None = None,
) -> Import:
    """Bring the registry up to `rows` in one transaction: good rows are kept when others are refused.

    With `all_or_nothing` one refused row leaves everything as it was. What changed is kept under `name`, or as the
    import of the checked `draft`, so that it can be undone; the audit log gets the counts.
    """
    lines = plan_import(rows)
    refused = any(line.verdict is Verdict.REFUSED for line in lines)
    if dry_run or (all_or_nothing and refused):
        return Import(lines, written=False)
    with transaction.atomic():
        batch = draft or RosterImport(name=name or "Roster")
        batch.by_id = getattr(by, "pk", None)  # of a draft too, whoever checked it
        changed = _write(lines, batch)
        done = Import(lines, written=True, batch=batch)
        happened(by, "accounts.import", f"{len(lines)} rows", {**done.counts, "import": batch.pk, "ids": changed})
    return done


def _write(lines: list[Line], batch: RosterImport) -> list[int]:
    """Write the lines and, in `batch`, what that changed; the ids of the accounts made or changed."""
    new, updates = ([line for line in lines if line.verdict is verdict] for verdict in (Verdict.NEW, Verdict.UPDATES))
    absent = Absent.of(_named_by(lines), {tag_key(tag) for line in (*new, *updates) for tag in line.tags or ()})
    before = held_states([line.account_id for line in updates if line.account_id])
    organizations = _organizations(lines)
    _update(updates, organizations)
    _create(new, organizations)
    _tag([line for line in lines if line.verdict in (Verdict.NEW, Verdict.UPDATES)])
    batch.state, batch.created_at = RosterImport.State.DONE, now()
    batch.counts, batch.lines, batch.made = counted(lines), noted(lines), absent.made_since()
    batch.save()
    return keep_changes(batch, before, [line.account_id for line in new if line.account_id])


def _resolved(row: Row) -> Line:
    line = Line(row.number, row.url or f"{row.platform} {row.handle}".strip(), Verdict.NEW, reason=row.fault)
    line.organization, line.core, line.core_if_new, line.tags = row.organization, row.core, row.core_if_new, row.tags
    if row.fault:
        line.verdict = Verdict.REFUSED
        return line
    url, handle = (
        (row.handle, "") if not row.url and re.search(r"^\w+://|\.\w+/", row.handle) else (row.url, row.handle)
    )
    try:
        line.profile, line.states_url = _profile(row.platform, handle, url), bool(url)
    except NotAProfile as refusal:
        line.refuse(str(refusal))
    else:
        line.key = (line.profile.platform, handle_key(line.profile.platform, line.profile.handle))
    return line


def _profile(platform: str, handle: str, url: str) -> Profile:
    if url:
        profile = parse_profile_url(url, platform or None)
        if handle and handle_key("", normalise_handle(profile.platform, handle)) != handle_key("", profile.handle):
            raise NotAProfile(f"The address is that of {profile.handle}, the row says {handle}.")
        return profile
    if not handle:
        raise NotAProfile("There is neither a handle nor an address.")
    known = find_platform(platform)
    if known is None:
        raise NotAProfile(f"“{platform[:40]}” is not a platform Tidemark knows: {', '.join(PLATFORMS)}.")
    return parse_profile_url(profile_url(known.name, normalise_handle(known.name, handle)), known.name)


def _mark_duplicates(lines: Iterable[Line]) -> None:
    first: dict[tuple[str, str], Line] = {}
    for line in lines:
        if line.verdict is Verdict.REFUSED:
            continue
        before = first.setdefault(line.key, line)
        if before is line:
            continue
        if _contradict(before, line):
            line.refuse(f"Line {before.number} says otherwise of the same account.")
        else:
            line.verdict, line.reason = Verdict.DUPLICATE, f"The same account as line {before.number}."


def _contradict(one: Line, other: Line) -> bool:
    organizations = {one.organization, other.organization} - {""}
    tags = {tuple(map(tag_key, line.tags)) for line in (one, other) if line.tags is not None}
    return len(organizations) > 1 or len({one.core, other.core} - {None}) > 1 or len(tags) > 1


def _compare(lines: Sequence[Line]) -> None:
    """Look every line's account up, under its handle, the platform's id or a handle it had."""
    known = _accounts_of(lines)
    tagged = {known[line.key].pk for line in lines if line.tags is not None and line.key in known}
    tags = AccountTag.objects.names_of(tagged) if tagged else {}
    first: dict[int, Line] = {}
    for line in lines:
        account = known.get(line.key)
        if account is None or line.profile is None:
            continue
        line.account_id = account.pk
        if (before := first.setdefault(account.pk, line)) is not line:
            line.verdict, line.reason = Verdict.DUPLICATE, f"The same account as line {before.number}, renamed."
            continue
        changes = _changes(line, account, tags.get(account.pk, []))
        line.verdict = Verdict.UPDATES if changes else Verdict.EXISTS
        line.reason = "; ".join(f"{name}: {old or '–'} → {new or '–'}" for name, (old, new) in changes.items())
        if account.handle_key != line.key[1]:
            line.reason = f"Known as {account.handle}. {line.reason}".strip()


def _changes(line: Line, account: Account, tags: Sequence[str]) -> dict[str, tuple[str, str]]:
    """What the line would change of its account, which carries `tags`: name of the field → (old, new) as shown."""
    changes = {}
    if line.organization and line.organization != account.organization.name:
        changes["organisation"] = (account.organization.name, line.organization)
    if line.core is not None and line.core != account.is_core:
        changes["core"] = ("yes" if account.is_core else "no", "yes" if line.core else "no")
    if line.tags is not None and [*map(tag_key, line.tags)] != [*map(tag_key, tags)]:
        changes["tags"] = ("; ".join(tags), "; ".join(line.tags))
    if url := _new_url(line, account):
        changes["address"] = (account.url, url)
    return changes


def _new_url(line: Line, account: Account) -> str:
    """The address that the line gives its account, one of another kind; "" where it is only spelled otherwise."""
    stated = line.profile if line.states_url and account.handle_key == line.key[1] else None
    return stated.url if stated and stated.kind != account.profile_kind else ""


def _parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    """`values` without repetition, in chunks that one statement can take."""
    unique = sorted(set(values))
    size = CHUNK if connection.vendor == "sqlite" else LARGE_CHUNK
    return (unique[i : i + size] for i in range(0, len(unique), size))


def _accounts_of(lines: Sequence[Line]) -> dict[tuple[str, str], Account]:
    """The accounts the lines are about, by the lines' keys; whoever has the handle now comes first."""
    wanted = {line.key for line in lines}
    found: dict[tuple[str, str], Account] = {}
    accounts = Account.objects.select_related("organization")
    for part in _parts(key for _, key in wanted):
        former = FormerHandle.objects.filter(handle_key__in=part).select_related("account__organization")
        found |= {(f.platform, f.handle_key): f.account for f in former}
    stated = {(p.platform, p.external_id): line.key for line in lines if (p := line.profile) and p.external_id}
    for part in _parts(external_id for _, external_id in stated):
        owners = accounts.filter(~Q(external_id=""), platform__in=list(PLATFORMS), external_id__in=part)
        found |= {stated[id_]: a for a in owners if (id_ := (a.platform, a.external_id)) in stated}
    for part in _parts(key for _, key in wanted):
        found |= {(a.platform, a.handle_key): a for a in accounts.filter(handle_key__in=part)}
    return {key: account for key, account in found.items() if key in wanted}


def _named_by(lines: Iterable[Line]) -> set[str]:
    """The organisations that new accounts and updates are to belong to."""
    new = {line.organization or UNASSIGNED for line in lines if line.verdict is Verdict.NEW}
    return new | {line.organization for line in lines if line.verdict is Verdict.UPDATES and line.organization}


def _organizations(lines: Sequence[Line]) -> dict[str, int]:
    """Ids by name of the organisations that the lines to be written name, made where they are missing."""
    ids: dict[str, int] = {}
    for part in _parts(_named_by(lines)):
        have = set(Organization.objects.filter(name__in=part).values_list("name", flat=True))
        missing = [Organization(name=name) for name in part if name not in have]
        Organization.objects.bulk_create(missing, ignore_conflicts=True)
        ids |= dict(Organization.objects.filter(name__in=part).values_list("name", "pk"))
    return ids


def _create(lines: Sequence[Line], organizations: dict[str, int]) -> None:
    """Insert the new accounts; a line that lost a race with another writer is refused, not overwritten."""
    at = now()
    rows = [
        Account(
            platform=profile.platform,
            handle=profile.handle,
            handle_key=line.key[1],
            external_id=profile.external_id,
            url=profile.url,
            organization_id=organizations[line.organization or UNASSIGNED],
            is_core=line.core_if_new,
            created_at=at,
            updated_at=at,
        )
        for line in lines
        if (profile := line.profile)
    ]
    Account.objects.bulk_create(rows, batch_size=CHUNK, ignore_conflicts=True)
    made: dict[tuple[str, str], int] = {}
    for part in _parts(line.key[1] for line in lines):
        own = Account.objects.filter(handle_key__in=part, created_at=at)
        made |= {(platform, key): pk for platform, key, pk in own.values_list("platform", "handle_key", "pk")}
    for line in lines:
        line.account_id = made.get(line.key)
        if line.account_id is None:
            line.refuse("Someone else added this account meanwhile. Import again to compare.")
    announce(sorted(made.values()), {"created"})


def _update(lines: Sequence[Line], organizations: dict[str, int]) -> None:
    """Write what the lines change, under locks taken in account order; other fields stay as they are."""
    by_id = {line.account_id: line for line in lines if line.account_id}
    changed: set[str] = set()
    old_organizations = {}
    for part in _parts(by_id):
        rows = list(Account.objects.filter(pk__in=part).locked())
        for row in rows:
            before = row.organization_id
            names = _apply(by_id[row.pk], row, organizations)
            changed |= names
            if "organization" in names:
                old_organizations[row.pk] = before
        if rows:
            Account.objects.rewrite(rows, ["organization", "is_core", "url", "updated_at"])
    announce(sorted(by_id), changed, old_organizations=old_organizations)


def _tag(lines: Sequence[Line]) -> None:
    """Give the accounts of the lines the tags that these state."""
    Account.objects.set_tags(
        {line.account_id: line.tags for line in lines if line.account_id and line.tags is not None}
    )


def _apply(line: Line, row: Account, organizations: dict[str, int]) -> set[str]:
    """Set on `row` what its line says; the names of the fields that thereby changed."""
    said: dict[str, Any] = {}
    if line.organization:
        said["organization_id"] = organizations[line.organization]
    if line.core is not None:
        said["is_core"] = line.core
    if url := _new_url(line, row):
        said["url"] = url
    changed = {name for name, value in said.items() if getattr(row, name) != value}
    for name in changed:
        setattr(row, name, said[name])
    row.updated_at = now()
    return {name.removesuffix("_id") for name in changed}
