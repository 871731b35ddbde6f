"""Plans of queries whose values nobody kept, each beside the one before."""

from __future__ import annotations

import pytest
from django.db import connection

from perf import clock
from perf.findings.explaining import CannotExplain, compared, explained
from perf.models import KnownQuery, QueryPlan
from perf.statements import statement
from tests import factories
from workitems.models import WorkItem

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


def known(sql: str) -> KnownQuery:
    found = statement(sql)
    return KnownQuery(digest=found.digest, shape=found.shape, template=found.template)


def test_a_query_is_planned_without_its_values() -> None:
    """With %s for values, a literal percent sign, a list and a limit, as Django sends them."""
    sql = (
        'SELECT "workitems_workitem"."id" FROM "workitems_workitem" WHERE "workitems_workitem"."number" = %s '
        "AND id %% 7 IN (%s, 3) AND location LIKE 'Engine%%' LIMIT 21"
    )
    plan = explained(known(sql))
    assert "workitem" in plan.text
    assert plan.server.startswith(connection.display_name)
    assert (plan.cost is not None) == (connection.vendor == "postgresql")


@pytest.mark.parametrize(
    "sql", ["DELETE FROM workitems_workitem", "SELECT 1; DELETE FROM workitems_workitem", "SELECT * INTO a FROM b"]
)
def test_nothing_but_a_select_is_planned(sql: str) -> None:
    factories.item()
    with pytest.raises(CannotExplain, match="Only a single SELECT"):
        explained(KnownQuery(template=sql))
    assert WorkItem.objects.count() == 1


def test_what_cannot_be_planned_says_why_and_harms_nothing() -> None:
    with pytest.raises(CannotExplain, match="could not plan it"):
        explained(known("SELECT height FROM tides WHERE harbour = %s"))
    assert WorkItem.objects.count() == 0  # the transaction goes on


def plan(text: str, cost: float | None = None) -> QueryPlan:
    return QueryPlan(text=text, cost=cost, at=clock.now())


def test_equal_steps_with_other_estimates_are_the_same_plan() -> None:
    old = plan("Seq Scan on a  (cost=0.00..50.00 rows=1 width=4)\n  Filter: (b = $1)", 50)
    new = plan("Seq Scan on a  (cost=0.00..75.00 rows=9 width=4)\n  Filter: (b = $1)", 75)
    found = compared(new, old)
    assert found.words.startswith("The same steps as on ")
    assert found.words.endswith("; the estimated cost went from 50 to 75 (+50\N{NO-BREAK SPACE}%).")
    assert [line.sign for line in found.lines] == ["", ""]


def test_other_steps_are_shown_line_by_line() -> None:
    found = compared(plan("SEARCH a USING INDEX ix (b=?)\nSCAN c"), plan("SCAN a\nSCAN c"))
    assert found.words.startswith("Other steps than on ")
    assert [(line.sign, line.text) for line in found.lines] == [
        ("\N{MINUS SIGN}", "SCAN a"),
        ("+", "SEARCH a USING INDEX ix (b=?)"),
        ("", "SCAN c"),
    ]


def test_the_first_plan_stands_alone() -> None:
    assert compared(plan("SCAN a"), None).words.startswith("The first plan")
