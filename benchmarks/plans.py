"""python -m benchmarks.plans: what PostgreSQL does for the product's questions on the database of DATABASE_URL.

Each question is put twice, as the predecessors would have (`naive.py`, or the same thought in Django's ORM) and as the
product does. The statements of both are caught and explained with EXPLAIN (ANALYZE, BUFFERS), the best of three runs;
statements that come again with other ids are added up. Nothing is written. Fill a database with `manage.py seed`;
`make bench-plans` makes one of its own.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import django
import orjson

os.environ.setdefault("SECRET_KEY", "benchmark")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
os.environ.setdefault("SLOW_QUERY_THRESHOLD", "60")  # the naive ones would fill the terminal
django.setup()

from django.contrib.auth.models import User  # noqa: E402  # the settings come first
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery, Sum  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from accounts.models import Account  # noqa: E402
from benchmarks import naive  # noqa: E402
from benchmarks.ground import Line  # noqa: E402
from snapshots import overview, trends  # noqa: E402
from snapshots.grid import GridFilters, grid_page  # noqa: E402
from snapshots.history import HistoryFilters, history_of_account  # noqa: E402
from snapshots.models import Snapshot  # noqa: E402
from snapshots.movers import movers  # noqa: E402
from snapshots.periods import USUAL, Period  # noqa: E402
from snapshots.summary import SummaryFilters, summary_list  # noqa: E402
from workitems.benchmarks import together  # noqa: E402
from workitems.models import WorkItem  # noqa: E402

READER = User(pk=0, is_active=True, is_superuser=True)
FAR = 1_000  # the page that is far from the first
RUNS = 3
SHOWN = 5  # steps of a plan
HEAD = (
    "| Question | Naive, ms | Ours, ms | Ratio | Naive: statements, pages | Ours |",
    "|---|---:|---:|---:|---:|---:|",
)
PERIOD = USUAL  # days of a comparison
CURSOR = re.compile(r"^DECLARE .*? FOR (?=SELECT|WITH)")
"""What stands before a statement whose rows are fetched piece by piece."""
ACTUAL = re.compile(r" *\(cost=[^)]*\) \(actual time=[\d.]+?\.\.([\d.]+) rows=([\d.]+) loops=(\d+)\)")


@dataclass(frozen=True, slots=True)
class Question:
    """Something a page or a program asks, and how it is answered naively and by the product."""

    title: str
    naive: Callable[[], object]
    ours: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one answer took: statements, milliseconds in the database, 8 KB pages touched; and the costliest plan."""

    statements: int
    ms: float
    pages: int
    plan: str


def newest(field: str) -> Subquery:
    """`field` of the outer account's newest published row, looked up row by row."""
    rows = Snapshot.objects.filter(account=OuterRef("pk"), quality="published").order_by("-date")
    return Subquery(rows.values(field)[:1])


def one_account() -> Account:
    """Any active one."""
    return Account.objects.active().select_related("organization").order_by("-pk")[0]


def far_page() -> Callable[[], bytes]:
    """The page behind the link “next” of the one before it."""
    before = orjson.loads(grid_page(GridFilters(page=FAR - 1), READER))
    return lambda: grid_page(GridFilters(page=FAR, after=before["next"]), READER)


def trend_by_hand() -> list[Any]:
    """Sums per platform and day from the rows themselves."""
    since = Snapshot.objects.aggregate(newest=Max("date"))["newest"] - timedelta(days=PERIOD)
    rows = Snapshot.objects.filter(quality="published", date__gte=since, account__is_active=True)
    return list(rows.values_list("account__platform", "date").annotate(Sum("followers"), Count("pk")))


def questions() -> Iterator[Question]:
    """All of them; made when the database is there."""
    yield from _api_questions()
    yield from _page_questions()


def _api_questions() -> Iterator[Question]:
    """What the API asks: summary, grid, history."""
    account, every = one_account(), Account.objects.filter(is_active=True)
    yield Question(
        "Summary: the newest figures of every account",
        naive.summary,
        lambda: summary_list(SummaryFilters(), READER),
    )
    yield Question(
        "Sums per platform, with accounts that have none today",
        lambda: list(
            every.annotate(n=newest("followers")).order_by().values_list("platform").annotate(Sum("n"), Count("n"))
        ),
        lambda: summary_list(SummaryFilters(group="platform"), READER),
    )
    yield Question("Grid of all days, page 1", lambda: naive.grid(1, 50), lambda: grid_page(GridFilters(), READER))
    yield Question(f"Grid of all days, page {FAR:,} by its link", lambda: naive.grid(FAR, 50), far_page())
    yield Question(
        "Newest figures by followers, page 1",
        lambda: list(every.annotate(n=newest("followers")).order_by("-n").values_list("handle", "n")[:50]),
        lambda: grid_page(GridFilters(day="latest", sort="-followers"), READER),
    )
    yield Question(
        "History of one account",
        lambda: naive.history(account.platform, account.handle.upper()),
        lambda: history_of_account(account, HistoryFilters().pinned()),
    )


def _page_questions() -> Iterator[Question]:
    """What the pages ask: the overview, an account, work items."""
    account, every = one_account(), Account.objects.filter(is_active=True)
    yield Question(
        f"Followers per platform on each of {PERIOD} days",
        trend_by_hand,
        lambda: trends.platform_lines(Period.of({})),
    )
    yield Question(
        "Account by handle, whatever the case",
        lambda: Account.objects.filter(platform=account.platform, handle__iexact=account.handle).first(),
        lambda: Account.objects.find_at(account.platform, account.handle.upper()),
    )
    yield Question(
        "Accounts without a figure since yesterday, longest unseen first",
        lambda: list(
            every.annotate(seen=newest("date"))
            .filter(Q(seen=None) | Q(seen__lt=overview.clock.today() - timedelta(days=1)))
            .order_by(F("seen").asc(nulls_first=True))[:10]
        ),
        overview.needing_a_look,
    )
    yield Question(
        "Newest day with a figure",
        lambda: Snapshot.objects.filter(quality="published", account__is_active=True).aggregate(Max("date")),
        lambda: Period.of({}),
    )
    yield Question(
        f"Who gained most over {PERIOD} days",
        lambda: every.annotate(gain=newest("followers") - _ago()).order_by(F("gain").desc(nulls_last=True)).first(),
        lambda: movers(Period.of({})),
    )
    yield Question(
        "Work items in review, newest first, page 1 with photos and comments",
        lambda: [
            (item, list(item.photos.all()), list(item.comments.all()))
            for item in WorkItem.objects.filter(deleted_at=None, status="in_review").order_by("-submitted_at")[:25]
        ],
        lambda: list(together(WorkItem.objects.present().filter(status="in_review"))[:25]),
    )


def _ago() -> Subquery:
    rows = Snapshot.objects.filter(account=OuterRef("pk"), date=Period.of({}).start)
    return Subquery(rows.values("followers")[:1])


def answered(act: Callable[[], object]) -> Answer:
    """Answer once, and explain each statement that this took."""
    with CaptureQueriesContext(connection) as asked:
        found = act()
        if isinstance(found, QuerySet):
            list(found)
    texts = [CURSOR.sub("", query["sql"]) for query in asked]
    statements = [text for text in texts if text.startswith(("SELECT", "WITH"))]
    explained = [explain(statement) for statement in statements]
    return Answer(
        len(explained),
        sum(each.ms for each in explained),
        sum(each.pages for each in explained),
        max(explained, key=lambda each: each.ms).plan,
    )


def explain(statement: str) -> Answer:
    """The quickest of RUNS runs of `statement`, and how PostgreSQL went about it."""
    runs = []
    with connection.cursor() as cursor:
        for _ in range(RUNS):
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + statement.replace("%", "%%"), [])
            runs.append([line for (line,) in cursor.fetchall()])
    quickest = min(runs, key=milliseconds)
    touched = next((line for line in quickest if "Buffers:" in line), "")
    pages = sum(map(int, re.findall(r"(?:hit|read)=(\d+)", touched)))
    return Answer(1, milliseconds(quickest), pages, "\n".join(shortened(quickest)[:SHOWN]))


def milliseconds(lines: list[str]) -> float:
    """The time that the last line of a plan names."""
    found = re.search(r"Execution Time: ([\d.]+) ms", lines[-1])
    return float(found[1]) if found else 0.0


def shortened(lines: list[str]) -> list[str]:
    """The steps of a plan with their rows, turns and milliseconds of a turn, without costs and details."""
    return [ACTUAL.sub(r" (\2 rows × \3, \1 ms)", line) for line in lines if ACTUAL.search(line)]


def measure(accounts: int = 2_000, days: int = 60, items: int = 5_000) -> Iterator[Line]:
    """Every question on a database of made-up rows; the table and the plans are printed, the lines are kept."""
    call_command("seed", accounts=accounts, days=days, items=items, yes=True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    for question, before, after in explained():
        yield Line(question.title, "naive", before.ms, "ms in the database")
        ratio = before.ms / after.ms if after.ms else None
        yield Line(question.title, "ours", after.ms, "ms in the database", ratio)
        yield Line(question.title, "naive", before.pages, "pages", told=False)
        yield Line(question.title, "ours", after.pages, "pages", told=False)


def explained() -> Iterator[tuple[Question, Answer, Answer]]:
    """Each question with both its answers; printed as a table and, at the end, with the plans of each."""
    rows, plans = [], []
    with transaction.atomic():
        for question in questions():
            before, after = answered(question.naive), answered(question.ours)
            ratio = before.ms / after.ms if after.ms else 0.0
            rows.append(
                f"| {question.title} | {before.ms:,.1f} | {after.ms:,.1f} | {ratio:,.1f} × |"
                f" {before.statements}, {before.pages:,} | {after.statements}, {after.pages:,} |"
            )
            plans.append(f"### {question.title}\nNaive:\n```\n{before.plan}\n```\nOurs:\n```\n{after.plan}\n```")
            print(rows[-1], file=sys.stderr, flush=True)
            yield question, before, after
    print("\n".join([*HEAD, *rows, "", *plans]))


def main() -> int:
    """Print a table of all questions, then the plans of each, of the database of DATABASE_URL as it is."""
    for _ in explained():
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
