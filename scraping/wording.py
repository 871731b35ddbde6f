"""What alerts say: what happened, what was kept, what to do. The same words on pages, in mail and to the webhook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from accounts.platforms import PLATFORMS
from perf.templatetags.figures import distance, exactly, grouped
from scraping import outcomes
from scraping.models import Alert


@dataclass(frozen=True, slots=True)
class Words:
    """One alert for people. `path` leads to where more is seen."""

    title: str
    happened: str
    kept: str
    todo: str
    path: str

    @property
    def link(self) -> str:
        """The whole address, for mail."""
        return f"{settings.BASE_URL}{self.path}"


def words(alert: Alert) -> Words:
    """What an alert says while it stands."""
    name = PLATFORMS[alert.platform].label if alert.platform else ""
    title, happened, kept, todo, path = _SAYS[alert.kind](alert, name, alert.detail)
    return Words(title, happened, kept, todo, path or reverse("scraping:alerts"))


def recovery(alert: Alert) -> Words:
    """What a closed alert says: that it is over, and how long it stood."""
    said, closed_at = words(alert), alert.closed_at or alert.opened_at
    stood = distance((closed_at - alert.opened_at).total_seconds())
    happened = f"This was noticed at {exactly(alert.opened_at)} and is over since {exactly(closed_at)}, {stood} later."
    return Words(f"Well again: {said.title}", happened, said.kept, "There is nothing to do.", said.path)


def _waiting(detail: dict[str, Any]) -> str:
    count = detail.get("waiting", 0)
    return f"{_accounts(count)} wait{'s' if count == 1 else ''}; nothing is lost."


def _accounts(count: int) -> str:
    return f"{grouped(count)} account{'' if count == 1 else 's'}"


def _at(instant: str) -> str:
    return exactly(datetime.fromisoformat(instant))


Said = tuple[str, str, str, str, str]


def _dead_token(alert: Alert, name: str, detail: dict[str, Any]) -> Said:
    return (
        f"{name} no longer accepts our credential",
        f"{name} refused the credential that is set, so nothing is asked of it.",
        _waiting(detail),
        f"Set a new {alert.platform.upper()}_TOKEN and restart. It is tried again every few minutes.",
        reverse("scraping:platform", args=[alert.platform]),
    )


def _paused(alert: Alert, name: str, detail: dict[str, Any]) -> Said:
    where = f"{name} ({detail['host']})" if detail.get("host") else name
    return (
        f"{where} is paused for over an hour",
        f"{outcomes.label(detail['why'])}. {where} is next asked at {_at(detail['until'])}.",
        _waiting(detail),
        "If the cause is gone, end the pause on its page; else it ends by itself.",
        reverse("scraping:platform", args=[alert.platform]),
    )


def _coverage(alert: Alert, name: str, detail: dict[str, Any]) -> Said:
    planned, answered = detail["planned"], detail["answered"]
    return (
        f"The night of {detail['day']} ended below 95 % coverage",
        f"{grouped(answered)} of {_accounts(planned)} ({100 * answered // planned} %) are answered.",
        "What is missing is still fetched; figures that were stored stay.",
        "The run's page says why each account is missing.",
        reverse("scraping:run", args=[detail["run"]]),
    )


def _backlog(alert: Alert, name: str, detail: dict[str, Any]) -> Said:
    fits = detail.get("fits")
    limit = f" Its limits let {_accounts(fits)} through today." if fits is not None and detail["jobs"] > fits else ""
    return (
        f"{name} has a backlog",
        f"{_accounts(detail['jobs'])} due, the oldest since {_at(detail['oldest'])}.{limit}",
        "What is left over goes first on the next day; nothing is lost.",
        "Ask for a higher limit, deactivate accounts that are not needed, or start more workers.",
        reverse("scraping:platform", args=[alert.platform]),
    )


def _budget(alert: Alert, name: str, detail: dict[str, Any]) -> Said:
    spent = detail["step"] >= 100
    return (
        f"{name}'s budget is used up" if spent else f"{detail['step']} % of {name}'s budget is used",
        f"{detail['spent']} of {detail['budget']} dollars are spent in {detail['month']} (UTC).",
        "What is left pays for no call; its accounts wait." if spent else "Fetching goes on until it is used up.",
        f"Raise {alert.platform.upper()}_MONTHLY_BUDGET_USD and restart: it is looked at every hour. "
        "Or do nothing: the next month starts at zero.",
        reverse("scraping:platform", args=[alert.platform]),
    )


def _schema_drift(alert: Alert, name: str, detail: dict[str, Any]) -> Said:
    return (
        f"{name}'s answers can no longer be read",
        f"{grouped(detail['unread'])} of {_accounts(detail['tried'])} could not be read: {name} is paused.",
        "Their accounts wait and are asked again once answers can be read; nothing is lost.",
        "Look at the samples and mend the connector, then end the pause. A few accounts are tried every three hours.",
        f"{reverse('scraping:samples')}?platform={alert.platform}&outcome=unparsable",
    )


def _silent(alert: Alert, name: str, detail: dict[str, Any]) -> Said:
    process = {"worker": "worker", "beat": "scheduler (beat)"}[alert.key]
    return (
        f"No {process} for 10 minutes",
        f"The last sign of a {process} came at {_at(detail['seen'])}.",
        "Promises are rows in the database: all that is due is fetched once it runs again.",
        f"Start the {process} again; its log says why it ended.",
        reverse("scraping:runs"),
    )


_SAYS: dict[str, Callable[[Alert, str, dict[str, Any]], Said]] = {
    Alert.Kind.DEAD_TOKEN: _dead_token,
    Alert.Kind.PAUSED: _paused,
    Alert.Kind.COVERAGE: _coverage,
    Alert.Kind.BACKLOG: _backlog,
    Alert.Kind.BUDGET: _budget,
    Alert.Kind.SCHEMA_DRIFT: _schema_drift,
    Alert.Kind.SILENT: _silent,
}
