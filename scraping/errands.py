"""Claimed jobs on their way through calls: whom to ask next, for how long, and what an answer means for each."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from scraping import samples
from scraping.connectors.base import (
    Answer,
    Batch,
    Connector,
    Missing,
    Quota,
    Reading,
    Request,
    Response,
    Target,
)
from scraping.fetch import DEADLINE
from scraping.limits import Ask
from scraping.models import ScrapeJob
from scraping.outcomes import OK
from scraping.results import Result, Try

ACCOUNT_SECONDS = 30.0  # for all calls of one account, however many
LEAST_SECONDS = 0.1  # with less left of them no call is begun
SEARCHES = 2  # how many accounts at fault in one refused batch are searched for
NOT_RETURNED = frozenset({Missing.NOT_FOUND, Missing.SUSPENDED, Missing.FROM_BATCH})  # what a platform does not bill


@dataclass(slots=True, eq=False)
class Errand:
    """One claimed job on its way: whom to ask for next, and what was done so far. Its lease ends at `lease_end`."""

    job: ScrapeJob
    target: Target
    lease_end: float
    tries: list[Try] = field(default_factory=list)
    external_id: str = ""

    @property
    def seconds_left(self) -> float:
        """Of the time that one account may take."""
        return ACCOUNT_SECONDS - sum(one.seconds for one in self.tries)

    def ended(self, outcome: str, *tries: Try) -> Result:
        """Its result without a reading, after `tries` more."""
        return Result(self.job, outcome, [*self.tries, *tries], external_id=self.external_id)


@dataclass(slots=True)
class Search:
    """How many more calls may be made to find who in a refused batch is at fault."""

    calls: int


@dataclass(slots=True, eq=False)
class Call:
    """One request and those it asks for."""

    batch: Batch
    errands: list[Errand]
    request: Request
    ask: Ask
    paid: frozenset[int] = frozenset()
    search: Search | None = None
    made: bool = False
    failed: bool = False
    untold: bool = False
    dollars: Decimal = Decimal(0)
    quota: Quota = field(default_factory=Quota)
    read_at: float = 0.0  # when its quota was: what that says lasts from then
    onward: list[Errand] = field(default_factory=list)
    halves: list[list[Errand]] = field(default_factory=list)

    @property
    def begun(self) -> bool:
        """Whether a call was made for any of its accounts: given up now, they would be asked for twice."""
        return any(errand.tries for errand in self.errands)

    @property
    def lease_end(self) -> float:
        """Until when it may start."""
        return min(errand.lease_end for errand in self.errands)

    @property
    def seconds_left(self) -> float:
        """For how long it may last: errands that share a call have as much time left (see `together`)."""
        return min(errand.seconds_left for errand in self.errands)

    def price(self, paid: Collection[int], day: date) -> None:
        """Say what it may cost on `day` (UTC), when the users in `paid` cost nothing again."""
        new = sum(target.account_id not in paid for target in self.batch.targets)
        dollars = Decimal(str(self.request.dollars)) * new / len(self.batch.targets)
        self.ask, self.paid = Ask(self.request.cost, dollars, day), frozenset(paid)

    def halve(self, tried: Try) -> bool:
        """Ask for each half of a batch that was refused as a whole; False when that may not be done (any more).

        One account at fault is found in twice the logarithm of the batch's size; where everything is refused, the
        search ends before it has cost much.
        """
        if len(self.errands) < 2:
            return False
        self.search = self.search or Search(SEARCHES * 2 * math.ceil(math.log2(len(self.errands))))
        if self.search.calls < 2:
            return False
        self.search.calls -= 2
        for errand in self.errands:
            errand.tries.append(tried)
        middle = len(self.errands) // 2
        self.halves = [self.errands[:middle], self.errands[middle:]]
        return True


def together(errands: Iterable[Errand]) -> list[list[Errand]]:
    """`errands` that may share calls: who has less time left than a call may last travels with its like only.

    Else one slow account would end a whole batch with `deadline`. Accounts that were in the same calls have exactly
    the same time left, so a batch that took long stays one.
    """
    groups: dict[float, list[Errand]] = {}
    for errand in errands:
        groups.setdefault(min(errand.seconds_left, DEADLINE), []).append(errand)
    return list(groups.values())


def conclude(
    connector: Connector, call: Call, answers: dict[str, Answer], tried: Try, response: Response
) -> list[Result]:
    """The results of an answered call; who has to be asked for once more is in `call.onward`."""
    done, returned, excerpt = [], 0, samples.excerpt(answers.values(), response)
    for errand in call.errands:
        answer = answers.get(errand.target.handle, Missing.FROM_BATCH)
        again = connector.again(errand.target, answer)
        if again is not None:
            errand.external_id = again.external_id or errand.external_id
            errand.target = again
            errand.tries.append(tried)
            call.onward.append(errand)
            continue
        returned += answer not in NOT_RETURNED and errand.target.account_id not in call.paid
        result = _result(connector, errand, answer, tried, response)
        if result.outcome in samples.SAMPLED:
            result.tries[-1] = replace(result.tries[-1], excerpt=excerpt)
        done.append(result)
    if new := sum(errand.target.account_id not in call.paid for errand in call.errands):
        call.dollars = call.ask.dollars * returned / new
    return done


def _result(connector: Connector, errand: Errand, answer: Answer, tried: Try, response: Response) -> Result:
    job, known = errand.job, errand.job.account.external_id
    if isinstance(answer, Reading):
        if known and answer.external_id and answer.external_id != known:
            detail = f"answers as {answer.external_id}, was {known}"
            tries = [*errand.tries, replace(tried, outcome=Missing.REASSIGNED, detail=detail)]
            return Result(job, Missing.REASSIGNED, tries)
        return Result(job, OK, [*errand.tries, tried], answer, errand.external_id, read_from=connector.kind)
    outcome = answer if isinstance(answer, Missing) else Missing.UNPARSABLE
    detail = connector.advice(errand.target, outcome)
    if outcome is Missing.UNPARSABLE:  # what it says is for those who may see samples
        detail = detail or f"An answer of {len(response.body):,} bytes."
    return errand.ended(outcome, replace(tried, outcome=outcome, detail=detail))


def calls_of(connector: Connector, key: str, batches: Sequence[Batch], waiting: dict[int, Errand]) -> list[Call]:
    """The call of every batch; what costs money has still to be priced."""
    calls = []
    for batch in batches:
        request = connector.request(batch, key)
        errands = [waiting[target.account_id] for target in batch.targets]
        calls.append(Call(batch, errands, request, Ask(request.cost)))
    return calls
