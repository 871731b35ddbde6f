"""Who may do what: roles as groups of permissions, and what each token scope lets through."""

from __future__ import annotations

from collections.abc import Iterable

from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.db import models, transaction

VIEWER = frozenset(
    {
        "accounts.view_account",
        "accounts.view_organization",
        "snapshots.view_snapshot",
        "snapshots.export_snapshots",
        "scraping.view_scraperun",
    }
)
EDITOR = VIEWER | {
    "accounts.add_account",
    "accounts.change_account",
    "accounts.delete_account",
    "accounts.add_organization",
    "accounts.change_organization",
    "accounts.import_accounts",
    "snapshots.judge_snapshots",
    "snapshots.import_snapshots",
    "snapshots.add_note",
    "snapshots.change_note",
    "snapshots.delete_note",
    "scraping.request_scrape",
    "scraping.view_sample",
}
CREW = frozenset({"workitems.view_workitem", "workitems.add_workitem", "workitems.change_workitem"})
REVIEWER = CREW | {
    "workitems.review_workitem",
    "workitems.read_internal_notes",
    "workitems.assign_workitem",
}
ADMINISTER = "project.administer"

ROLES: dict[str, frozenset[str] | None] = {
    "viewer": VIEWER,
    "editor": EDITOR,
    "crew": CREW,
    "reviewer": REVIEWER,
    "admin": None,  # every permission there is
}


class Scope(models.TextChoices):
    """What a token is for; it may do its scope's part of what its user may do."""

    READ = "read", "Read accounts and figures"
    WRITE = "write", "Read and change accounts, import, scrape"
    CREW = "crew", "Work items"
    METRICS = "metrics", "Performance figures"


SCOPES: dict[str, frozenset[str]] = {
    Scope.READ: VIEWER,
    Scope.WRITE: EDITOR,
    Scope.CREW: REVIEWER | {"workitems.delete_workitem", "workitems.reopen_workitem"},  # those, of administrators
    Scope.METRICS: frozenset({"perf.view_performance"}),
}
READ_ONLY_SCOPES = frozenset({Scope.READ, Scope.METRICS})
"""Tokens of these scopes may only GET, HEAD and OPTIONS, whatever the address."""


def within(user: User) -> list[str]:
    """The roles that let nobody do more than `user` may: those that they can invite into."""
    held, wanting = user.get_all_permissions(), set()
    fields = ("name", "permissions__content_type__app_label", "permissions__codename")
    for role, app, codename in Group.objects.filter(name__in=ROLES).values_list(*fields):
        if codename and f"{app}.{codename}" not in held:
            wanting.add(role)
    return [role for role in ROLES if role not in wanting]


def named() -> frozenset[str]:
    """Every permission that a role or a scope names."""
    return frozenset().union(*SCOPES.values(), *(permissions for permissions in ROLES.values() if permissions))


def unknown() -> list[str]:
    """Permissions named above that no model declares, sorted; apps without any model are not asked."""
    with_models = {config.label for config in apps.get_app_configs() if any(config.get_models())}
    return sorted(name for name in named() - _existing().keys() if name.partition(".")[0] in with_models)


@transaction.atomic
def sync_roles() -> list[str]:
    """Make each role's group hold exactly its permissions; the changes made, one line each.

    Groups with other names are an administrator's own and stay as they are.
    """
    existing = _existing()
    changes: list[str] = []
    for role, permissions in ROLES.items():
        group, created = Group.objects.get_or_create(name=role)
        changes += [f"{role}: group made"] if created else []
        changes += _set(group, existing.keys() if permissions is None else permissions & existing.keys(), existing)
    return changes


def _existing() -> dict[str, int]:
    """Permission name ("app.codename") → id of all permissions in the database."""
    rows = Permission.objects.values_list("content_type__app_label", "codename", "pk")
    return {f"{app}.{codename}": pk for app, codename, pk in rows}


def _set(group: Group, wanted: Iterable[str], existing: dict[str, int]) -> list[str]:
    """Give `group` the `wanted` permissions and no others; one line per permission given or taken."""
    wanted_ids = {existing[name] for name in wanted}
    held_ids = set(group.permissions.values_list("pk", flat=True))
    if wanted_ids == held_ids:
        return []
    group.permissions.set(wanted_ids)
    name_of = {pk: name for name, pk in existing.items()}
    given = [f"{group.name}: + {name_of[pk]}" for pk in wanted_ids - held_ids]
    taken = [f"{group.name}: - {name_of[pk]}" for pk in held_ids - wanted_ids]
    return sorted(given) + sorted(taken)
