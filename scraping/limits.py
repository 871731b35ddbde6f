"""Platforms' limits, exact across processes and crashes: blocks of calls, committed as rows before Redis counts them.

Redis decides, on its own clock; the rows remember. The epoch key names the server's run: when it is gone or names
another run (a wipe, a restart), the scripts refuse until one process has rebuilt every limit from the rows, blocks
that nobody returned counted as spent. Without Redis nothing is granted. Money is counted in the rows alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import redis
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Sum
from redis.backoff import NoBackoff
from redis.retry import Retry

from perf import clock
from scraping.connectors import CONNECTORS
from scraping.connectors.base import Window
from scraping.models import PermitBlock, PlatformState
from scraping.outcomes import Waiting

PREFIX = "limits:"
EPOCH, LOCK = f"{PREFIX}epoch", f"{PREFIX}rebuilding"
REDIS_TIMEOUT = 0.5  # seconds; a hung Redis must not hang a worker
REDIS_RETRY = timedelta(seconds=5)  # how soon an unreachable Redis is asked again
START_SECONDS = 20  # a permit's calls start within this ...
CALL_SECONDS = 21  # ... and each has ended after this, whatever the server does (scraping.fetch.DEADLINE and a margin)
REBUILD_SECONDS = 30  # the lock's life, should the rebuilding process die
LONGEST = timedelta(hours=26)  # the longest window is a calendar day, which lasts up to 25 hours
BUDGET_LOOK = timedelta(hours=1)  # how soon a spent budget is looked at again: it may be raised, or money come back
TRIES = 3


@dataclass(frozen=True, slots=True)
class Limit:
    """What one credential (or host) may call: all `windows` at once."""

    platform: str
    credential: str
    host: str
    windows: tuple[Window, ...]

    @classmethod
    def of(cls, platform: str, credential: str, host: str, windows: tuple[Window, ...]) -> Limit:
        """The limit under which `credential` (the secret itself, of which only a hash is kept) calls `platform`."""
        return cls(platform, sha256(credential.encode()).hexdigest()[:16] if credential else "", host, windows)

    @property
    def name(self) -> str:
        """What its keys are called."""
        return f"{self.platform}:{self.credential}:{self.host}"


@dataclass(frozen=True, slots=True)
class Ask:
    """One call to be made: how much of the quota it spends, and what it may cost if billed on `day` (None: any)."""

    calls: int = 1
    dollars: Decimal = Decimal(0)
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """The first `covers` of the calls asked for may be made, if each starts before `use_by` (monotonic seconds)."""

    covers: int
    calls: int = 0
    dollars: Decimal = Decimal(0)
    block: int = 0
    use_by: float = float("inf")


@dataclass(frozen=True, slots=True)
class Wait:
    """No call may be made before `until`, because of `why`."""

    until: datetime
    why: Waiting


@dataclass(frozen=True, slots=True)
class _Answer:
    state: str
    now: datetime
    number: int = 0
    at: datetime | None = None


def acquire(limit: Limit, asks: Sequence[Ask]) -> Permit | Wait:
    """A permit for the first of `asks`, as many as the windows and the budget allow now, or until when to wait.

    Must not run inside a transaction: the block has to be committed before Redis counts it.
    """
    for window in limit.windows:
        if window.calls < asks[0].calls:
            raise ValueError(f"one call of {limit.platform} spends {asks[0].calls}, its window holds {window.calls}")
    try:
        return _acquire(limit, asks)
    except redis.RedisError:
        return Wait(clock.now() + REDIS_RETRY, Waiting.LIMITS_UNAVAILABLE)


def _acquire(limit: Limit, asks: Sequence[Ask]) -> Permit | Wait:
    wanted, least = sum(ask.calls for ask in asks), asks[0].calls
    for _ in range(TRIES):
        use_by = monotonic() + START_SECONDS  # counted from before the grant, however long the database takes
        seen = _take(limit, "", wanted, least) if limit.windows else _Answer("ok", clock.now(), wanted)
        if seen.state == "rebuild":
            if wait := rebuild():
                return wait
            continue
        if seen.state == "wait":
            return Wait(clock.now() + (_instant(seen.number) - seen.now), Waiting.QUOTA)  # from Redis's clock to ours
        covers = sum(1 for total in accumulate(ask.calls for ask in asks) if total <= seen.number)
        block = _reserve(limit, asks[:covers], seen.now)
        if isinstance(block, Wait):
            return block
        covers = _covered(asks, block)
        if not limit.windows or _take(limit, str(block.pk), block.calls, block.calls).state == "ok":
            return Permit(covers, block.calls, block.dollars, block.pk, use_by)
        block.delete()  # others were faster; nothing was counted
    return Wait(clock.now() + timedelta(seconds=1), Waiting.QUOTA)


def _covered(asks: Sequence[Ask], block: PermitBlock) -> int:
    return sum(1 for total in accumulate(ask.calls for ask in asks) if total <= block.calls)


def _reserve(limit: Limit, asks: Sequence[Ask], at: datetime) -> PermitBlock | Wait:
    """Commit a block for as many of `asks` as the month's budget pays for."""
    with transaction.atomic(durable=True):
        if any(ask.day not in {None, billing_day(at)} for ask in asks):
            return Wait(clock.now(), Waiting.NEW_DAY)
        if any(ask.dollars for ask in asks):
            left = _budget_left(limit.platform, at)
            if isinstance(left, Wait):
                return left
            asks = asks[: sum(1 for total in accumulate(ask.dollars for ask in asks) if total <= left)]
            if not asks:
                return Wait(clock.now() + min(_next_month(at) - at, BUDGET_LOOK), Waiting.BUDGET_SPENT)
        return PermitBlock.objects.create(
            platform=limit.platform,
            credential=limit.credential,
            host=limit.host,
            calls=sum(ask.calls for ask in asks),
            dollars=sum((ask.dollars for ask in asks), Decimal(0)),
            granted_at=at,
            expires_at=at + timedelta(seconds=START_SECONDS + CALL_SECONDS),
        )


def _budget_left(platform: str, at: datetime) -> Decimal | Wait:
    """What may still be spent this UTC month; one process at a time decides."""
    budget = settings.X_MONTHLY_BUDGET_USD
    if budget is None:
        return Wait(clock.now() + timedelta(minutes=5), Waiting.NO_BUDGET)
    PlatformState.objects.bulk_create([PlatformState(platform=platform)], ignore_conflicts=True)
    PlatformState.objects.select_for_update().get(platform=platform, host="")
    return Decimal(str(budget)) - spent_dollars(platform, at)


def spent_dollars(platform: str, at: datetime) -> Decimal:
    """What calls to `platform` cost in the UTC month of `at`; reserved and not yet known counts as spent."""
    month = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    spent = PermitBlock.objects.filter(platform=platform, granted_at__gte=month).aggregate(sum=Sum("dollars"))["sum"]
    return spent or Decimal(0)


class Budget(NamedTuple):
    """Dollars of this UTC month: `spent`, reserved ones included, and what may be spent."""

    spent: Decimal
    budget: Decimal


def budget(platform: str) -> Budget | None:
    """The money meter of `platform`; None where calls cost nothing or no budget is set."""
    if not CONNECTORS[platform].billed or settings.X_MONTHLY_BUDGET_USD is None:
        return None
    return Budget(spent_dollars(platform, clock.db_instant()), Decimal(str(settings.X_MONTHLY_BUDGET_USD)))


def billing_day(at: datetime | None = None) -> date:
    """The UTC day that a call granted at `at` (now) is billed on at the latest: prices hold for that day alone.

    In the last seconds of a day that is the next one already, so a user counts as paid only if he was on it.
    """
    return ((at or clock.db_instant()) + timedelta(seconds=START_SECONDS + CALL_SECONDS)).astimezone(UTC).date()


def give_back(limit: Limit, permit: Permit, calls: int, dollars: Decimal) -> None:
    """Say what of `permit` was really spent, once none of its calls is under way any more."""
    book(permit, calls, dollars, end(limit, permit, calls))


def end(limit: Limit, permit: Permit, calls: int) -> datetime | None:
    """Free what `permit` did not spend: its calls have ended now, Redis says when; None while it cannot.

    The window counts them from that instant, so let nothing come before this; it needs no database.
    """
    if not permit.block or not limit.windows:
        return clock.now()
    try:
        answer = _answer(_run("settle", [EPOCH, _blocks(limit)], permit.block, permit.calls, calls))
    except redis.RedisError:
        return None
    return answer.now if answer.state == "ok" else None


def book(permit: Permit, calls: int, dollars: Decimal, ended: datetime | None) -> None:
    """Enter in its row what of `permit` was spent until it `ended`.

    Without Redis, or while it is being rebuilt, the row stays as it is: wholly spent until it expires.
    """
    block = PermitBlock.objects.filter(pk=permit.block)
    if not permit.block:
        return
    if ended is None:
        block.update(dollars=dollars)
    else:
        block.update(returned=permit.calls - calls, dollars=dollars, settled_at=ended)


def correct(limit: Limit, left: int, lasts: float) -> None:
    """The platform's headers, which speak of the first window, say that `left` calls remain for `lasts` seconds.

    The smaller number rules. What it counts beyond us (another user of the credential) becomes a block of its own, for
    as long as it counts it: committed like every other, so that a wipe does not forget it.
    """
    if not limit.windows or lasts <= 0:
        return
    try:
        seen = _correct(limit, "", left, lasts)
        if seen.number:
            _enter(limit, seen, left, lasts)
    except redis.RedisError:
        return  # without Redis nothing is granted anyway; the next answer says it again


def _enter(limit: Limit, seen: _Answer, left: int, lasts: float) -> None:
    at = {"granted_at": seen.at, "expires_at": seen.at, "settled_at": seen.at, "returned": 0}
    owner = {"platform": limit.platform, "credential": limit.credential, "host": limit.host}
    block = PermitBlock.objects.create(**owner, **at, calls=seen.number)
    entered = _correct(limit, str(block.pk), left, lasts)
    if not entered.number:
        block.delete()  # another process has entered it already
    elif (entered.number, entered.at) != (seen.number, seen.at):
        PermitBlock.objects.filter(pk=block.pk).update(calls=entered.number, settled_at=entered.at)


def _correct(limit: Limit, block: str, left: int, lasts: float) -> _Answer:
    window = _bounds(limit.windows[0], _server_now())
    longest = min(lasts, LONGEST.total_seconds())
    arguments: list[str | int] = [block, max(left, 0), round(longest * 1_000_000), _length(LONGEST), *window]
    raw = _run("correct", [EPOCH, _blocks(limit), _said(limit)], *arguments)
    return _Answer(raw[0], _instant(int(raw[1])), int(raw[2]), at=_instant(int(raw[3])))


def disbelieve(platform: str) -> None:
    """Forget what the headers of `platform` said beyond what we count ourselves: a person knows that it is over.

    One odd header would otherwise hold the platform for up to a day. Were it right, the next refusal pauses again.
    """
    entered = PermitBlock.objects.filter(platform=platform, expires_at=F("granted_at"), returned=0)
    named = [(Limit(platform, row.credential, row.host, ()), f"{row.pk}:{row.calls}") for row in entered]
    entered.update(returned=F("calls"))
    try:
        for limit, member in named:
            _client().zrem(_blocks(limit), member)
        for key in _client().scan_iter(f"{PREFIX}said:{platform}:*"):
            _client().delete(key)
    except redis.RedisError:
        return  # nothing is granted without Redis, and what it forgot comes back from the rows


def rebuild() -> Wait | None:
    """Fill Redis from the rows after a wipe or restart; one process does, the others wait."""
    server = _client()
    if server.info("memory").get("maxmemory_policy") != "noeviction":
        return Wait(clock.now() + timedelta(minutes=1), Waiting.LIMITS_EVICT)
    token = secrets.token_hex(8)
    busy = Wait(clock.now() + timedelta(seconds=1), Waiting.LIMITS_REBUILDING)
    if not server.set(LOCK, token, nx=True, ex=REBUILD_SECONDS):
        return busy
    rows = PermitBlock.objects.filter(Q(settled_at=None) | Q(settled_at__gt=_server_now() - LONGEST)).filter(
        expires_at__gt=_server_now() - LONGEST
    )
    entries: list[str | int] = []
    for row in rows.iterator():
        spent = row.calls - (row.returned or 0)
        if spent:
            name = Limit(row.platform, row.credential, row.host, ())
            entries += [_blocks(name), _micro(row.settled_at or row.expires_at), f"{row.pk}:{spent}"]
    done = _scripts()["rebuild"](keys=[EPOCH, LOCK], args=[token, PREFIX, *entries], client=server)
    return None if done else busy


def _take(limit: Limit, block: str, calls: int, least: int) -> _Answer:
    """Run the script; when it says that our day is not its day, again with its own time."""
    expires = timedelta(seconds=START_SECONDS + CALL_SECONDS)
    now = clock.now()
    for _ in range(TRIES):
        windows = [number for window in limit.windows for number in _bounds(window, now)]
        arguments: list[str | int] = [block, calls, least, _length(expires), _length(LONGEST), *windows]
        answer = _answer(_run("take", [EPOCH, _blocks(limit), _said(limit)], *arguments))
        if answer.state != "calendar":
            return answer
        now = answer.now
    raise redis.RedisError("the limiter's day never matched")


def _bounds(window: Window, now: datetime) -> tuple[int, int, int, int]:
    """A window for the script: calls, length (0 = a calendar day), and the day's start and end."""
    if not window.zone:
        return window.calls, window.seconds * 1_000_000, 0, 0
    zone = ZoneInfo(window.zone)
    day = now.astimezone(zone).date()
    start, end = (datetime.combine(day + timedelta(days=n), time(), zone) for n in (0, 1))
    return window.calls, 0, _micro(start), _micro(end)


def _next_month(at: datetime) -> datetime:
    first = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def _micro(at: datetime) -> int:
    return _length(at - datetime(1970, 1, 1, tzinfo=UTC))


def _length(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _instant(micro: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micro)


def _blocks(limit: Limit) -> str:
    return f"{PREFIX}blocks:{limit.name}"


def _said(limit: Limit) -> str:
    return f"{PREFIX}said:{limit.name}"


def _run(script: str, keys: list[str], *arguments: str | int) -> Any:
    return _scripts()[script](keys=keys, args=[_length(clock.offset()), *arguments], client=_client())


def _answer(raw: list[str]) -> _Answer:
    return _Answer(raw[0], _instant(int(raw[1])), int(raw[2]) if len(raw) > 2 else 0)


def _server_now() -> datetime:
    seconds, micro = _client().time()
    return _instant(int(seconds) * 1_000_000 + int(micro)) + clock.offset()


def _client() -> redis.Redis:
    return _connect(settings.BROKER_URL)


@cache
def _connect(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=REDIS_TIMEOUT,
        socket_connect_timeout=REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 0),  # the caller waits by name instead
    )


@cache
def _scripts() -> dict[str, Any]:
    folder = Path(__file__).with_name("lua")
    return {path.stem: _client().register_script(path.read_text()) for path in folder.glob("*.lua")}
