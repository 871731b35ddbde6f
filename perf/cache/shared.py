"""The store that all processes share: django-redis for the answers, Lua scripts for the generations."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha1
from math import ceil
from time import perf_counter
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.core.cache import caches
from django_redis import get_redis_connection
from django_redis.exceptions import ConnectionInterrupted
from redis import Redis
from redis.exceptions import RedisError

from perf import clock
from perf.cache import wire
from perf.cache.breaker import Breaker
from perf.cache.contract import ALIAS, KEEP_SECONDS, LOCK_SECONDS, SPARE_SECONDS, WRITER_SECONDS, State, Unreachable
from perf.cache.keys import Family, Slot
from perf.cache.record import Record, stamp_of
from perf.traces import current

log = logging.getLogger(__name__)
T = TypeVar("T")
CHUNK = 500  # families per script call: Redis answers nobody else while a script runs


def _client() -> Any:
    """django-redis's client of our cache; it ships no types."""
    return caches[ALIAS].client  # type: ignore[attr-defined]  # BaseCache knows no client


def _record(raw: bytes | None) -> Record | None:
    """The record in what Redis gave; None where another release or another program wrote something else."""
    if raw is None:
        return None
    try:
        return Record.unpacked(_client().decode(raw))
    except ValueError:
        return None


def _state(generations: bytes | None, raw: bytes | None) -> State:
    """What a script found: nothing while a writer is open."""
    return State(None, None) if generations is None else State(stamp_of(generations.decode()), _record(raw))


class _Script:
    """A Lua script; it is sent by its digest where the server knows it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = sha1(text.encode(), usedforsecurity=False).hexdigest()


# KEYS: epoch, one or two more, families. ARGV: a fresh value, test offset, KEEP_SECONDS, what else the script needs.
# A generation that is missing or left behind by a dead writer becomes the fresh value: random, never counted up,
# because an evicted counter that starts again would revive old answers. While a writer is open there are none.
_GENERATIONS = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000 + ARGV[2]
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[1]
  redis.call('SET', KEYS[1], epoch)
end
local function generations(first, last)
  local found, open = {epoch}, false
  for i = first, last do
    local fields, generation, renew = redis.call('HGETALL', KEYS[i]), false, false
    for j = 1, #fields, 2 do
      if fields[j] == 'generation' then
        generation = fields[j + 1]
      elseif tonumber(fields[j + 1]) > now then
        open = true
      else
        redis.call('HDEL', KEYS[i], fields[j])
        renew = true
      end
    end
    if renew or not generation then
      generation = ARGV[1]
      redis.call('HSET', KEYS[i], 'generation', generation)
      redis.call('EXPIRE', KEYS[i], ARGV[3])
    end
    found[#found + 1] = generation
  end
  return not open and table.concat(found, ' ')
end
"""

# The one more key: the answer.
_READ = _Script(
    _GENERATIONS
    + """
local found = generations(3, #KEYS)
return {found, found and redis.call('GET', KEYS[2])}
"""
)

# The two more keys: the answer and its lock. ARGV from the fourth: who would hold the lock, and for how long.
_LOCK = _Script(
    _GENERATIONS
    + """
local is_ours = redis.call('SET', KEYS[3], ARGV[4], 'NX', 'EX', ARGV[5])
local found = generations(4, #KEYS)
return {is_ours and 1 or 0, found, found and redis.call('GET', KEYS[2])}
"""
)

# The one more key: none that matters.
_MAKE = _Script(_GENERATIONS + "return generations(3, #KEYS)")

# KEYS: families. ARGV: writer, WRITER_SECONDS, test offset, KEEP_SECONDS.
_OPEN = _Script("""
local time = redis.call('TIME')
local deadline = string.format('%.6f', time[1] + time[2] / 1000000 + ARGV[3] + ARGV[2])
for i = 1, #KEYS do
  redis.call('HSET', KEYS[i], 'writer ' .. ARGV[1], deadline)
  redis.call('EXPIRE', KEYS[i], ARGV[4])
end
""")

# KEYS: families. ARGV: writer, a fresh value, KEEP_SECONDS.
_CLOSE = _Script("""
for i = 1, #KEYS do
  redis.call('HDEL', KEYS[i], 'writer ' .. ARGV[1])
  redis.call('HSET', KEYS[i], 'generation', ARGV[2])
  redis.call('EXPIRE', KEYS[i], ARGV[3])
end
""")

# KEYS: lock. ARGV: token.
_UNLOCK = _Script("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end")

# KEYS: answer, spare, lock. ARGV: the record, the seconds of both, token of the lock to give back (may be nobody's).
_PUT = _Script("""
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[3])
if redis.call('GET', KEYS[3]) == ARGV[4] then redis.call('DEL', KEYS[3]) end
""")


# KEYS: counter. ARGV: seconds that it counts from its first.
_COUNT = _Script("""
local used = redis.call('INCR', KEYS[1])
-- More time left than there ever is: this server's clock was put back, and would refuse people until it has caught up.
if used == 1 or redis.call('PTTL', KEYS[1]) > ARGV[1] * 1000 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {used, math.ceil(redis.call('PTTL', KEYS[1]) / 1000)}
""")


@lru_cache(maxsize=4_096)
def _reads(epoch: str, *families: str) -> bytes:
    """The commands that read the epoch and these families, as they are sent."""
    return b"".join(map(wire.packed, [("GET", epoch), *(("HGETALL", name) for name in families)]))


@lru_cache(maxsize=4_096)
def _counts(name: str, seconds: int) -> bytes:
    """The commands that count one more at `name`, as they are sent; the last two tell how many, and for how long."""
    commands = ("SET", name, 0, "EX", seconds, "NX"), ("INCR", name), ("PTTL", name)
    return b"".join(map(wire.packed, commands))


def _plain(epoch: bytes | None, families: Sequence[list[bytes]]) -> bytes | None:
    """The generations in what HGETALL found; None where one is missing or somebody writes, or has died writing."""
    found = [epoch]
    for fields in families:
        if len(fields) != 2 or fields[0] != b"generation":
            return None
        found.append(fields[1])
    return None if epoch is None else b" ".join(part for part in found if part is not None)


class Checked(NamedTuple):
    """What check() finds: generations (None: none to rely on), how often the rate was used, its seconds left."""

    asker: bytes | None
    answer: bytes | None
    used: int
    left: int


class SharedStore:
    """See perf.cache.contract.Store."""

    def __init__(self) -> None:
        self.breaker = Breaker()
        self._guard = threading.Lock()
        self._missed = 0  # forgets this process could not tell anybody yet

    def read(self, slot: Slot) -> State:
        generations, raw = self._run(_READ, [*self._keys(slot), *self.names_of(slot.family)], *self._fixed())
        return _state(generations, raw)

    def names_of(self, family: Family) -> tuple[str, ...]:
        """The keys of the families that an answer of `family` depends on, for check() and generations()."""
        return tuple(self._family(name) for name in family.names())

    def generations(self, names: Sequence[str]) -> bytes | None:
        """The present generations of the families at `names`, made where missing; None while somebody writes."""
        found: bytes | None = self._run(_MAKE, [self._name("epoch"), "", *names], *self._fixed())
        return found

    def check(self, asker: tuple[str, ...], answer: tuple[str, ...], counter: str, seconds: int) -> Checked:
        """Who asks and what for, in one round trip: the generations of both, and one more of a rate where `seconds`.

        `asker` and `answer` are keys from names_of(). Plain commands, since a script takes the server four times as
        long. They need not be one: a write is marked in all its families before it commits, so whoever asks after that
        meets a mark or a fresh generation in each of them. What is missing or left by a dead writer is None here.
        """
        name = self._name("rate", counter)
        packed = _reads(self._name("epoch"), *asker, *answer) + (_counts(name, seconds) if seconds else b"")
        first, last = 1 + len(asker), 1 + len(asker) + len(answer)
        found = self._guarded_wire(lambda: wire.pipelined(packed, last + (3 if seconds else 0)))
        told = _plain(found[0], found[1:first]), _plain(found[0], found[first:last])
        used, left = found[-2:] if seconds else (0, 0)
        if left > seconds * 1000:
            return Checked(*told, *self.count(counter, seconds))  # which sets the time right
        return Checked(*told, used, ceil(left / 1000))

    def put(self, slot: Slot, record: Record, token: str = "") -> None:
        seconds = max(ceil(record.expires - clock.now().timestamp()), 1)
        keys = [self._answer(slot), self._spare(slot), self._lock(slot)]
        self._run(_PUT, keys, _client().encode(record.packed()), seconds, seconds + SPARE_SECONDS, token)

    def spare(self, slot: Slot) -> Record | None:
        raw: Any = self._call(lambda redis: redis.get(self._spare(slot)))
        return _record(raw)

    def lock(self, slot: Slot, token: str) -> tuple[bool, State]:
        keys = [*self._keys(slot), self._lock(slot), *self.names_of(slot.family)]
        is_ours, generations, raw = self._run(_LOCK, keys, *self._fixed(), token, LOCK_SECONDS)
        return bool(is_ours), _state(generations, raw)

    def unlock(self, slot: Slot, token: str) -> None:
        self._run(_UNLOCK, [self._lock(slot)], token)

    def open(self, names: set[str], writer: str) -> None:
        offset = clock.offset().total_seconds()
        self._forget(_OPEN, names, writer, WRITER_SECONDS, offset, KEEP_SECONDS)

    def close(self, names: set[str], writer: str) -> None:
        self._forget(_CLOSE, names, writer, secrets.token_hex(8), KEEP_SECONDS)

    def clear(self) -> int:
        self._call(self._new_epoch)  # answers in the making are stored under the old one and never shown
        self._call(lambda redis: self._unlink(redis, self._name("spare", "*")))
        return self._call(lambda redis: self._unlink(redis, self._name("answers*")))

    def stored(self, root: str) -> dict[str, int]:
        reverse = _client().reverse_key

        def look(redis: Redis) -> dict[str, int]:
            found = [name.decode() for name in redis.scan_iter(self._name("answers*"), count=1000)]
            return {reverse(name): redis.ttl(name) for name in found if reverse(name).startswith(root)}

        return self._call(look)

    def count(self, name: str, seconds: int) -> tuple[int, int]:
        used, left = self._run(_COUNT, [self._name("rate", name)], seconds)
        return used, left

    def _name(self, *parts: str) -> str:
        return ":".join([settings.CACHES[ALIAS].get("KEY_PREFIX", ""), *parts])

    def _family(self, name: str) -> str:
        # A member's name is written so that a search for a key root finds answers only.
        return self._name("family", name.replace(":", "/", 1))

    def _answer(self, slot: Slot) -> str:
        return str(_client().make_key(slot.key, version=slot.version))

    def _spare(self, slot: Slot) -> str:
        return str(_client().make_key(slot.digest, version="spare"))

    def _lock(self, slot: Slot) -> str:
        return self._name("lock", slot.digest)

    def _keys(self, slot: Slot) -> list[str]:
        return [self._name("epoch"), self._answer(slot)]

    @staticmethod
    def _fixed() -> tuple[str, float, int]:
        """The arguments that every script with generations takes first."""
        return secrets.token_hex(8), clock.offset().total_seconds(), KEEP_SECONDS

    def _unlink(self, redis: Redis, pattern: str) -> int:
        dropped, batch = 0, []
        for name in redis.scan_iter(pattern, count=1000):
            batch.append(name)
            if len(batch) == CHUNK:
                dropped += redis.unlink(*batch)
                batch = []
        return dropped + (redis.unlink(*batch) if batch else 0)

    def _forget(self, script: _Script, names: set[str], *arguments: str | float) -> None:
        """Tell all processes about `names`; when that fails, a new epoch is owed."""
        keys = [self._family(name) for name in sorted(names)]
        try:
            for start in range(0, len(keys), CHUNK):
                self._run(script, keys[start : start + CHUNK], *arguments)
        except Unreachable:
            self._miss()
            raise

    def _miss(self) -> None:
        with self._guard:
            self._missed += 1
            first = self._missed == 1
        if first:
            log.warning("Redis cannot be reached: all cached answers will be forgotten once it answers again.")
            threading.Thread(target=self._pay, name="cache-epoch", daemon=True).start()

    def _pay(self) -> None:
        """Try until the new epoch is set, so that an idle process does not leave the others with old answers."""
        while self._missed:
            time.sleep(self.breaker.rest / 2)
            try:
                self._call(lambda redis: None)
            except Unreachable:
                continue

    def _new_epoch(self, redis: Redis) -> None:
        redis.set(self._name("epoch"), secrets.token_hex(8))

    def _run(self, script: _Script, keys: Sequence[str], *arguments: str | float | bytes) -> Any:
        """What `script` answers; an epoch that is owed is set first."""
        return self._guarded_wire(lambda: wire.call(script.sha, script.text, keys, *arguments))

    def _guarded_wire(self, ask: Callable[[], T]) -> T:
        """What `ask` gets over this thread's own connection; an epoch that is owed is set first."""
        if self._missed:
            self._call(lambda redis: None)
        return self._guarded(ask)

    def _call(self, work: Callable[[Redis], T]) -> T:
        """What `work` returns, if the server may be asked and answers; an epoch that is owed is set first."""

        def paid() -> T:
            redis = get_redis_connection(ALIAS)
            owed = self._missed
            if owed:
                self._new_epoch(redis)
                with self._guard:
                    self._missed -= owed
            return work(redis)

        return self._guarded(paid)

    def _guarded(self, ask: Callable[[], T]) -> T:
        if not self.breaker.allows():
            raise Unreachable("the cache server did not answer a moment ago")
        started = perf_counter()
        try:
            answer = ask()
        except (RedisError, ConnectionInterrupted, OSError) as error:
            self.breaker.failed()
            raise Unreachable(f"the cache server does not answer: {error}") from error
        finally:
            if (trace := current()) is not None:
                trace.cached += perf_counter() - started
        self.breaker.succeeded()
        return answer


SHARED = SharedStore()
