"""LinkedIn: the follower count of an organisation by its id; its name in the address is looked up once.

Source: LinkedIn's Community Management API, networkSizes and Organization Lookup; the look-up by vanity name for
pages one does not administer is UNVERIFIED. Daily caps stand only in the vendor's portal: 500 is its usual first tier.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from perf import clock
from scraping.connectors import reading
from scraping.connectors.base import (
    Answer,
    Batch,
    CallFailed,
    Connector,
    Learned,
    Missing,
    Quota,
    Reading,
    Request,
    Response,
    Target,
    Trouble,
    Window,
)
from scraping.connectors.numbers import whole
from scraping.connectors.reading import member

VERSION = "202610"  # LinkedIn keeps each monthly version for about a year
HEADERS = {"LinkedIn-Version": VERSION, "X-Restli-Protocol-Version": "2.0.0"}


class LinkedIn(Connector):
    """Followers of company, showcase and school pages. People have no count that their pages could be asked for."""

    platform = "linkedin"
    base_url = "https://api.linkedin.com"
    looks_up = frozenset({"name"})
    windows = (Window(calls=500, seconds=86_400, zone="UTC"),)

    def at_once(self, target: Target) -> Missing | None:
        """People's profiles (`/in/…`) are never asked for."""
        is_person = "/in/" in target.url or target.handle.startswith(("in:", "in/"))
        return Missing.UNSUPPORTED_PROFILE if is_person else None

    def advice(self, target: Target, answer: Missing) -> str:
        return {
            Missing.UNSUPPORTED_PROFILE: "This is a person's profile; LinkedIn gives counts of organisations only.",
            Missing.BLOCKED: "The credential's owner must be an administrator of this page.",
        }.get(answer, "")

    def step(self, target: Target) -> str:
        return "size" if _number(target) else "name"

    def request(self, batch: Batch, credential: str) -> Request:
        target = batch.targets[0]
        headers = HEADERS | {"Authorization": f"Bearer {credential}"}
        if batch.step == "name":
            by_name = (("q", "vanityName"), ("vanityName", target.handle))
            return Request(f"{self.base_url}/rest/organizations", headers=headers, params=by_name)
        urn = f"urn%3Ali%3Aorganization%3A{_number(target)}"
        followers = (("edgeType", "COMPANY_FOLLOWED_BY_MEMBER"),)
        return Request(f"{self.base_url}/rest/networkSizes/{urn}", headers=headers, params=followers)

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        if response.status == 429:
            wait = reading.retry_after(response.headers) or _to_midnight()
            raise CallFailed(Trouble.RATE_LIMITED, "the day's calls are used up", wait)
        reading.check(response, readable=(403, 404))
        if response.status != 200:
            return reading.everyone(batch, Missing.NOT_FOUND if response.status == 404 else Missing.BLOCKED)
        body = reading.decode(response)
        if isinstance(body, Missing):
            return reading.everyone(batch, body)
        read = _organization if batch.step == "name" else _size
        return reading.per_target(batch, lambda target: read(target, body))

    def quota(self, response: Response) -> Quota:
        """LinkedIn sends no limit headers; only its refusals speak."""
        return Quota(retry_after=reading.retry_after(response.headers))


def _number(target: Target) -> str:
    """The organisation's number: learned, or in the address itself (`/showcase/10897894/`)."""
    number = target.external_id or target.handle
    return number if number.isascii() and number.isdigit() else ""


def _organization(target: Target, body: Any) -> Answer:
    found = member(body, "elements")
    if not isinstance(found, list):
        return Missing.UNPARSABLE
    if not found:
        return Missing.NOT_FOUND
    number = reading.identity(member(found, 0, "id"))
    return Learned(number) if number.isdigit() else Missing.UNPARSABLE


def _size(target: Target, body: Any) -> Answer:
    followers = whole(member(body, "firstDegreeSize"))
    return Missing.UNPARSABLE if followers is None else Reading(followers=followers, external_id=_number(target))


def _to_midnight() -> float:
    """Seconds until LinkedIn's next day, which begins at 00:00 UTC."""
    midnight = datetime.combine(clock.today(UTC) + timedelta(days=1), time(), UTC)
    return max(1.0, (midnight - clock.now()).total_seconds())
