"""Reading what a platform answered without trusting any of it; shared by the connectors."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from perf import clock
from scraping.connectors.base import Answer, Batch, CallFailed, Missing, Reading, Response, Target, Trouble

LONGEST_PAUSE = 24 * 3600.0  # seconds; whatever a platform asks for
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def check(response: Response, *, readable: Collection[int] = ()) -> None:
    """Raise CallFailed for a status that speaks for the whole call; 200 and `readable` pass."""
    status = response.status
    if status == 200 or status in readable:
        return
    if status == 429:
        raise CallFailed(Trouble.RATE_LIMITED, "HTTP 429", retry_after(response.headers))
    if status == 401:
        raise CallFailed(Trouble.DEAD_TOKEN, "HTTP 401: the platform does not accept the credential")
    if status >= 500:
        raise CallFailed(Trouble.SERVER_ERROR, f"HTTP {status}", retry_after(response.headers))
    raise CallFailed(Trouble.REFUSED, f"HTTP {status}")


def decode(response: Response) -> Any:
    """The JSON of the body. A page instead of JSON is Missing.BLOCKED, anything else unreadable Missing.UNPARSABLE."""
    try:
        return orjson.loads(response.body)
    except orjson.JSONDecodeError:
        return Missing.BLOCKED if looks_like_a_page(response) else Missing.UNPARSABLE


def looks_like_a_page(response: Response) -> bool:
    """Whether the body is HTML, as challenge and sign-in pages are."""
    return response.body.lstrip()[:1] == b"<" or "text/html" in response.headers.get("content-type", "")


def member(data: Any, *path: str | int) -> Any:
    """What lies at `path` inside nested objects and arrays, or None where the path ends early."""
    for step in path:
        if isinstance(step, str) and isinstance(data, dict):
            data = data.get(step)
        elif isinstance(step, int) and isinstance(data, list) and step < len(data):
            data = data[step]
        else:
            return None
    return data


def listed(data: Any, *path: str | int) -> list[Any]:
    """The array at `path`, or an empty one where there is none."""
    found = member(data, *path)
    return found if isinstance(found, list) else []


def everyone(batch: Batch, answer: Answer) -> dict[str, Answer]:
    """The same answer for every handle of `batch`."""
    return dict.fromkeys(batch.handles, answer)


def per_target(batch: Batch, answer: Callable[[Target], Answer]) -> dict[str, Answer]:
    """The answer of each target of `batch`, with the check that its id is still the one we know."""
    return {target.handle: same_account(target, answer(target)) for target in batch.targets}


def same_account(target: Target, answer: Answer) -> Answer:
    """`answer`, unless it is of somebody else who has taken the handle over: then Missing.REASSIGNED."""
    if isinstance(answer, Reading) and target.external_id and answer.external_id not in {"", target.external_id}:
        return Missing.REASSIGNED
    return answer


def text(raw: object, longest: int = 10_000) -> str:
    """`raw` if it is a text, without characters no database stores and cut to `longest`; else empty."""
    return _UNSTORABLE.sub("", raw).strip()[:longest] if isinstance(raw, str) else ""


def link(raw: object, longest: int = 500) -> str:
    """`raw` if it is a web address of at most `longest` characters, else empty; a cut address leads nowhere."""
    address = text(raw, longest + 1)
    return address if len(address) <= longest and re.match(r"https?://[^\s<>\"]+\Z", address) else ""


def identity(raw: object) -> str:
    """An id that a platform gives as text or number, as text; else empty."""
    if isinstance(raw, int) and not isinstance(raw, bool) and raw > 0:
        raw = str(raw)
    return text(raw) if isinstance(raw, str) and len(raw) <= 100 else ""


def own_id(raw: object, target: Target, form: re.Pattern[str]) -> str:
    """An id of `form`, unless the one we know of `target` has another form: ids of two kinds cannot be compared."""
    found = identity(raw)
    is_comparable = not target.external_id or form.fullmatch(target.external_id)
    return found if is_comparable and form.fullmatch(found) else ""


def day(raw: object) -> date | None:
    """The UTC day of an ISO instant or day, or None."""
    moment = instant(raw)
    return moment.astimezone(UTC).date() if moment and 1990 < moment.year < 3000 else None


def instant(raw: object) -> datetime | None:
    """An aware instant from ISO or HTTP-date text, or None; text without a zone is UTC."""
    if not isinstance(raw, str) or len(raw) > 64:
        return None
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(raw.strip())
        except (ValueError, TypeError, OverflowError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by Retry-After, at most a day; None for none, zero, the past and garbage: back off instead."""
    raw = headers.get("retry-after", "").strip()
    return _pause(raw if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", raw) else None) or _pause(seconds_until(instant(raw)))


def seconds_until(moment: datetime | None) -> float | None:
    """Seconds from now to `moment`, 0 when it has passed; None without one."""
    return max(0.0, (moment - clock.now()).total_seconds()) if moment else None


def seconds_to_epoch(raw: str | None) -> float | None:
    """Seconds from now to a Unix time in text, 0 when it has passed; None for garbage."""
    stated = number(raw)
    return None if stated is None else max(0.0, stated - clock.now().timestamp())


def number(raw: str | None) -> float | None:
    """A finite non-negative decimal from a header, or None."""
    if raw is None or not re.fullmatch(r"\s*[0-9]{1,15}(\.[0-9]+)?\s*", raw):
        return None
    return float(raw)


def calls(raw: str | None) -> int | None:
    """A number of calls from a header, rounded down, or None."""
    stated = number(raw)
    return None if stated is None else math.floor(stated)


def _pause(raw: str | float | None) -> float | None:
    seconds = float(raw) if raw is not None else 0.0
    return min(seconds, LONGEST_PAUSE) if seconds > 0 else None
