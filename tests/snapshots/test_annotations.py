from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client

from snapshots.annotations import Row, of_rows
from snapshots.models import Note
from tests import factories
from tests.snapshots.worlds import TODAY, a_history, days_ago

pytestmark = pytest.mark.django_db


def rows(*said: str, start: dt.date = dt.date(2026, 1, 1)) -> list[Row]:
    """One row per word: observed, api, page, imported, rounded, suspect, rejected or aside; "" is a day without any."""
    return [
        Row(
            start + dt.timedelta(days=at),
            word if word in {"suspect", "rejected"} else "published",
            "imported" if word == "imported" else "observed",
            word if word in {"api", "page"} else None,
            word == "rounded",
            word == "aside",
        )
        for at, word in enumerate(said)
        if word
    ]


def told(*said: str) -> list[tuple[str, int, int]]:
    """Kind, first and last place of what the rows say."""
    first = dt.date(2026, 1, 1)
    return [(one.kind, (one.since - first).days, (one.until - first).days) for one in of_rows(rows(*said))]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["observed"] * 4, []),
        (["observed", "", "observed", "", "", "observed"], [("gap", 1, 1), ("gap", 3, 4)]),
        (["observed", "suspect", "suspect", "observed"], [("suspect", 1, 2)]),
        (["observed", "suspect", "", "suspect", "observed"], [("suspect", 1, 1), ("suspect", 3, 3), ("gap", 2, 2)]),
        (["observed", "rejected", "aside", "observed"], [("rejected", 1, 1), ("suspect", 2, 2)]),
        (["imported"] * 3 + ["observed"] * 3, [("source", 3, 3)]),
        (["imported"] * 3 + ["observed"] + ["imported"] * 3, []),
        (["api"] * 3 + ["page"] * 3, [("connector", 3, 3)]),
        (["api"] * 3 + ["page"] * 2 + ["api"] * 3, []),
        (["api"] * 3 + ["observed"] * 3 + ["page"] * 3 + ["observed"] * 3, [("connector", 6, 6)]),
        (["observed"] * 3 + ["page"] * 3, []),
        (["rounded"] * 3 + ["observed"] * 2 + ["rounded"] + ["observed"] * 3, [("source", 6, 6)]),
        ([], []),
    ],
    ids=[
        "plain",
        "gaps",
        "suspect",
        "apart",
        "rejected",
        "source",
        "a day's blip",
        "connector",
        "two days' blip",
        "unknown between",
        "unknown before",
        "rounding",
        "nothing",
    ],
)
def test_stored_days_tell_gaps_doubts_and_lasting_changes(
    said: list[str], expected: list[tuple[str, int, int]]
) -> None:
    assert told(*said) == expected


def test_a_gap_says_how_long_it_was_and_a_doubt_what_becomes_of_it() -> None:
    texts = [one.text for one in of_rows(rows("observed", "suspect", "", "", "observed"))]
    assert texts == [
        "The figure is unlikely, counted nowhere until a second reading or an editor decides.",
        "No figures for 2 days.",
    ]


def test_a_change_of_connector_says_what_is_read_instead_of_what() -> None:
    (there, back) = of_rows(rows(*["api"] * 3, *["page"] * 3, *["api"] * 3))
    assert there.text == "Read from the public page instead of the API from here on."
    assert back.text == "Read from the API instead of the public page from here on."


def ask(client: Client, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/annotations", query)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["data"])


@pytest.mark.both_dbs
def test_renames_gaps_and_notes_of_the_chosen_accounts_come_in_their_order(viewer: Client) -> None:
    account, other = a_history("before", 2), a_history("other", 2)
    factories.snapshot(account, days_ago(6), 900)
    account.rename("after")
    by = factories.user("editor", first_name="Edith")
    for about, day in ((account, days_ago(3)), (None, days_ago(2)), (other, days_ago(1))):
        Note.write(by, account=about, day=day, text=f"on {about}")
    Note.write(by, account=account, day=TODAY, text="gone").remove(by)
    found = ask(viewer, account="x/after")
    assert [(one["kind"], one["from"], one["text"], one["account"], one["by"]) for one in found] == [
        ("gap", f"{days_ago(5)}", "No figures for 4 days.", "x/after", ""),
        ("note", f"{days_ago(3)}", "on X after", "x/after", "Edith"),
        ("note", f"{days_ago(2)}", "on None", None, "Edith"),
        ("rename", f"{TODAY}", "Renamed. Until then it was “before”.", "x/after", ""),
    ]
    assert all(one["from"] <= later["from"] for one, later in pairwise(found))
    assert [one["text"] for one in ask(viewer)] == ["on None"]


def test_a_change_of_connector_is_told_of_the_figures_as_they_were_read(viewer: Client) -> None:
    account = factories.account(handle="switched")
    for ago in range(6):
        factories.snapshot(account, days_ago(ago), read_from="page" if ago < 3 else "api")
    (one,) = ask(viewer, account="x/switched")
    assert (one["kind"], one["from"], one["to"]) == ("connector", f"{days_ago(2)}", f"{days_ago(2)}")


def test_only_the_wanted_days_are_told(viewer: Client) -> None:
    by = factories.user("editor")
    for ago in (40, 10, 0):
        Note.write(by, account=None, day=days_ago(ago), text=f"{ago} days ago")
    assert [one["text"] for one in ask(viewer, days=30)] == ["10 days ago", "0 days ago"]
    between = {"from": days_ago(40).isoformat(), "to": days_ago(10).isoformat()}
    assert [one["text"] for one in ask(viewer, **between)] == ["40 days ago", "10 days ago"]


def test_more_than_one_answer_holds_leaves_out_the_oldest_and_counts_them(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snapshots.api.notes.MOST", 2)
    by = factories.user("editor")
    for ago in (3, 2, 1):
        Note.write(by, account=None, day=days_ago(ago), text=f"{ago}")
    answer = viewer.get("/api/annotations").json()
    assert ([one["text"] for one in answer["data"]], answer["left_out"]) == (["2", "1"], 1)


def test_a_former_handle_leads_on_and_an_unknown_one_is_named(viewer: Client) -> None:
    a_history("before").rename("after")
    moved = viewer.get("/api/annotations?account=x/before&days=7")
    assert (moved.status_code, moved["Location"]) == (301, "/api/annotations?account=x%2Fafter&days=7")
    assert "x/nobody" in viewer.get("/api/annotations?account=x/nobody").json()["error"]


def test_the_queries_do_not_grow_with_accounts(viewer: Client, django_assert_max_num_queries: Any) -> None:
    several = [f"x/{a_history(f'many{at}', 5).handle}" for at in range(5)]
    ask(viewer)  # a session's first request is stored
    with django_assert_max_num_queries(8):
        ask(viewer, account=several)
