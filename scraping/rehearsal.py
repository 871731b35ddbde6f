"""Gathering run through in advance, against the limiter's own windows, without asking anybody.

Pure: wishes and what is spent in, an outcome out. Instants are seconds since 1970.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate, islice
from zoneinfo import ZoneInfo

from scraping.connectors.base import Batch, Connector, Learned, Request, Target, Window
from scraping.models import Rank
from scraping.outcomes import FIRST_RETRY, MAX_ATTEMPTS

LOOK_SECONDS = 10.0  # how often due work is looked for, as beat dispatches it
PATIENCE = 2.0  # seconds; a longer wait gives the accounts back until the next look
MAX_FAILING = 1 - 1 / MAX_ATTEMPTS  # tried so often at most, an account is asked five times on average
ANY_ID = Learned("1")  # stands for the id that a look-up will bring
DAY = 86_400

Spent = tuple[float, int]
"""When calls were made, and how many."""


@dataclass(slots=True)
class Tally:
    """One window and the calls in it."""

    window: Window
    spent: deque[Spent]
    used: int = 0
    day: tuple[float, float] = (0.0, 0.0)  # of a calendar window: the day looked at last

    def left(self, at: float) -> int:
        """Calls that fit at `at`; asked for later and later instants only."""
        opened = self._opened(at)
        while self.spent and self.spent[0][0] <= opened:
            self.used -= self.spent.popleft()[1]
        return self.window.calls - self.used

    def free_at(self, at: float, calls: int) -> float:
        """The first instant from `at` on when `calls` fit. Raises ValueError where they never do."""
        if calls > self.window.calls:
            raise ValueError(f"{calls} calls at once do not fit a window of {self.window.calls}")
        left = self.left(at)
        if left >= calls:
            return at
        if self.window.zone:
            return self.day[1]
        freed = accumulate((count for _, count in self.spent), initial=left)
        last = next(at for (at, _), left in zip(self.spent, islice(freed, 1, None), strict=True) if left >= calls)
        return last + self.window.seconds

    def add(self, at: float, calls: int) -> None:
        """Count `calls` made at `at`."""
        self.spent.append((at, calls))
        self.used += calls

    def _opened(self, at: float) -> float:
        if not self.window.zone:
            return at - self.window.seconds
        if not self.day[0] <= at < self.day[1]:
            zone = ZoneInfo(self.window.zone)
            today = datetime.fromtimestamp(at, UTC).astimezone(zone).date()
            days = (datetime.combine(today + timedelta(days=n), time(), zone).timestamp() for n in (0, 1))
            self.day = (next(days), next(days))
        return math.nextafter(self.day[0], 0)


class Meter:
    """A limit on a clock of one's own: all of its windows at once, as the limiter counts them."""

    def __init__(self, windows: Iterable[Window], spent: Iterable[Spent] = ()) -> None:
        """`spent`: calls made before, oldest first."""
        made = list(spent)
        total = sum(calls for _, calls in made)
        self.tallies = [Tally(window, deque(made), total) for window in windows]

    def left(self, at: float) -> int | None:
        """Calls that fit all windows at `at`; None where there is no window."""
        return min((tally.left(at) for tally in self.tallies), default=None)

    def used(self, at: float) -> int:
        """Calls in the fullest window at `at`; 0 where there is none."""
        return max((tally.window.calls - tally.left(at) for tally in self.tallies), default=0)

    def free_at(self, at: float, calls: int = 1) -> float:
        """The first instant from `at` on when `calls` fit all windows."""
        while (free := max((tally.free_at(at, calls) for tally in self.tallies), default=at)) > at:
            at = free
        return at

    def spend(self, at: float, calls: int) -> None:
        """Count `calls` made at `at` in all windows."""
        for tally in self.tallies:
            tally.add(at, calls)

    def seconds_for(self, calls: int, start: float) -> float:
        """How long the limits alone make `calls` take from `start`, were all of them asked for at once. Spends them."""
        at = start
        while calls > 0:
            at = self.free_at(at)
            left = self.left(at)
            made = calls if left is None else min(left, calls)
            self.spend(at, made)
            calls -= made
        return at - start


def calls_a_day(windows: Iterable[Window]) -> int | None:
    """What the tightest of `windows` lets through in a day; None without windows."""
    return min((w.calls if w.zone else w.calls * DAY // w.seconds for w in windows), default=None)


@dataclass(frozen=True, slots=True, order=True)
class Wish:
    """One account of a plan: when it is due, its rank, and whom to ask for."""

    due: float
    rank: int
    target: Target = field(compare=False)


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what a day is gathered: from `start` until `end` (the next day's start), meant to be over by `night_end`.

    `failing_calls` and `failing_answers` are shares (0 to 1) of what has to be asked again, `pace` the seconds that a
    call keeps the others waiting, `dollars` what may be spent (None: nobody counts).
    """

    start: float
    night_end: float
    end: float
    claimed: int
    failing_calls: float = 0.0
    failing_answers: float = 0.0
    pace: float = 0.0
    dollars: Decimal | None = None


@dataclass(slots=True)
class Outcome:
    """What becomes of the wishes: `calls` of the quota to read all, of which `fitting` are made by `Terms.end`.

    `learning` calls bring an id alone, `repeated` ones come of failures. `late`: accounts read after `Terms.night_end`,
    though within the day. `left`: by rank, accounts not read by `Terms.end`, or before the money is gone (`broke`).
    `ends`: when the last of all would be read, were there no other plan.
    """

    calls: int = 0
    fitting: int = 0
    learning: int = 0
    repeated: int = 0
    dollars: Decimal = Decimal(0)
    begins: float | None = None
    ends: float | None = None
    late: int = 0
    left: Counter[int] = field(default_factory=Counter)
    broke: bool = False


class Debts:
    """Turns a share of failures into single ones, evenly: of ten things at 0.2, the fifth and the tenth."""

    def __init__(self, share: float) -> None:
        self.share = min(share, MAX_FAILING)
        self.owed = 0.0

    def due(self) -> bool:
        """Whether the next thing fails."""
        self.owed += self.share
        if self.owed < 1 - 1e-9:
            return False
        self.owed -= 1
        return True


class Rehearsal:
    """One limit's day: claims, packs and waits as gathering does, without asking anybody."""

    def __init__(self, connector: Connector, credential: str, meter: Meter, terms: Terms) -> None:
        self.connector, self.credential, self.meter, self.terms = connector, credential, meter, terms
        self.failing_calls, self.failing_answers = Debts(terms.failing_calls), Debts(terms.failing_answers)
        self.outcome = Outcome()
        self.coming: list[Wish] = []
        self.ready: list[tuple[int, float, int, Wish]] = []
        self.at = terms.start

    def run(self, wishes: Iterable[Wish]) -> Outcome:
        """Read `wishes` until the day or the money is over; what is left then is only counted."""
        self.coming = list(wishes)
        heapq.heapify(self.coming)
        while (self.coming or self.ready) and self.at < self.terms.end and not self.outcome.broke:
            self._let_in()
            if self.ready:
                self._round([heapq.heappop(self.ready)[-1] for _ in range(min(self.terms.claimed, len(self.ready)))])
            else:
                self.at = self._look_after(self.coming[0].due)
        self.outcome.fitting = self.outcome.calls
        self._count([*self.coming, *(row[-1] for row in self.ready)])
        return self.outcome

    def _count(self, left: Sequence[Wish]) -> None:
        """What those left over will take: calls as full as can be, made as fast as the limit allows."""
        self.outcome.left.update(wish.rank for wish in left)
        targets, calls = [wish.target for wish in left], 0
        while targets:
            batches, targets = self.connector.batches(targets), []
            for batch in batches:
                request = self.connector.request(batch, self.credential)
                calls += request.cost
                self.outcome.dollars += Decimal(str(request.dollars))
                if batch.step in self.connector.looks_up:
                    self.outcome.learning += request.cost
                    targets += self._learned(batch)
        repeated = round(calls * self.failing_calls.share / (1 - self.failing_calls.share))
        self.outcome.calls += calls + repeated
        self.outcome.repeated += repeated
        if calls:
            self.outcome.ends = self.at + self.meter.seconds_for(calls + repeated, self.at)

    def _let_in(self) -> None:
        while self.coming and self.coming[0].due <= self.at:
            self._wait(heapq.heappop(self.coming))

    def _wait(self, wish: Wish) -> None:
        heapq.heappush(self.ready, (wish.rank, wish.due, wish.target.account_id, wish))

    def _look_after(self, instant: float) -> float:
        """The next look at what is due, from `instant` on."""
        looks = math.ceil(max(instant - self.terms.start, 0) / LOOK_SECONDS)
        return max(self.terms.start + looks * LOOK_SECONDS, math.nextafter(self.at, math.inf))

    def _round(self, claimed: list[Wish]) -> None:
        """Ask for all `claimed`, and again for those whose id had to be learned first."""
        wishes = {wish.target.account_id: wish for wish in claimed}
        targets = [wish.target for wish in claimed]
        while targets:
            batches = self.connector.batches(targets)
            targets = []
            for number, batch in enumerate(batches):
                request = self.connector.request(batch, self.credential)
                if not self._permitted(request):
                    self._give_back(wishes, (target for later in batches[number:] for target in later.targets))
                    self._give_back(wishes, targets)
                    return
                targets += self._ask(batch, request, wishes)

    def _permitted(self, request: Request) -> bool:
        """Make the call now or within patience; else time goes on to the next look at which it may be made."""
        price = Decimal(str(request.dollars))
        if price and self._too_dear(price):
            self.outcome.broke = True
            return False
        free = self.meter.free_at(self.at, request.cost)
        if free - self.at > PATIENCE:
            self.at = self._look_after(free)
            return False
        self.at = free
        self.meter.spend(free, request.cost)
        self.outcome.calls += request.cost
        self.outcome.begins = free if self.outcome.begins is None else self.outcome.begins
        self.outcome.ends = free
        return True

    def _too_dear(self, price: Decimal) -> bool:
        return self.terms.dollars is not None and self.outcome.dollars + price > self.terms.dollars

    def _ask(self, batch: Batch, request: Request, wishes: dict[int, Wish]) -> list[Target]:
        """What the call brings: figures, ids with which to ask on at once, or a failure that is repeated later."""
        self.at += self.terms.pace
        if self.failing_calls.due():
            self._again(wishes, batch.targets, request.cost)
            return []
        self.outcome.dollars += Decimal(str(request.dollars))
        if batch.step in self.connector.looks_up:
            self.outcome.learning += request.cost
            return self._learned(batch)
        for target in batch.targets:
            if self.failing_answers.due():
                self._again(wishes, [target], 1)
            else:
                self.outcome.late += self.at > self.terms.night_end
        return []

    def _learned(self, batch: Batch) -> list[Target]:
        """The targets of a look-up, to be asked for once more by their ids."""
        return [again for target in batch.targets if (again := self.connector.again(target, ANY_ID))]

    def _again(self, wishes: Mapping[int, Wish], targets: Sequence[Target], calls: int) -> None:
        """Have `targets` asked for once more, as a retry; that costs up to so many `calls`."""
        self.outcome.repeated += calls
        due = self.at + FIRST_RETRY.total_seconds()
        for target in targets:
            rank = min(wishes[target.account_id].rank, Rank.RETRY)
            heapq.heappush(self.coming, Wish(due, rank, target))

    def _give_back(self, wishes: Mapping[int, Wish], targets: Iterable[Target]) -> None:
        """Return `targets` to those that are due, with what they have learned."""
        for target in targets:
            wish = wishes[target.account_id]
            self._wait(Wish(wish.due, wish.rank, target))
