"""X: users by their ids, 100 a call; by name until the id is known.

Asking by id first costs the fewest dollars, since X bills each user it returns: a renamed user is found in the first
call, and nobody is paid for who has taken an old name over, except once, to say so. Only an id that X no longer knows
is asked for again by name; users that are not found cost nothing.
Source: the X API v2 OpenAPI description, GET /2/users and /2/users/by, and its error catalogue (problem types in
`errors[]`).
"""

from __future__ import annotations

import re
from typing import Any

from scraping.connectors import reading
from scraping.connectors.base import (
    Answer,
    Batch,
    CallFailed,
    Connector,
    Elsewhere,
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

DOLLARS_PER_USER = 0.010  # billed per user returned, the same user once per UTC day
LEGAL = re.compile(r"[A-Za-z0-9_]{1,15}")
LEGAL_ID = re.compile(r"[0-9]{1,19}")
REFUSED_VALUE = re.compile(r"\[([^\[\],]{1,50})\]")
PATH = {"ids": "/2/users", "names": "/2/users/by"}
PARAMETER = {"ids": "ids", "names": "usernames"}
FIELDS = "public_metrics,verified_type,created_at,description,url,profile_image_url"
VERIFIED = {"blue": "blue", "business": "org", "government": "gov", "none": "none"}


class X(Connector):
    """Follower, following, list and post counts of up to 100 users a call."""

    platform = "x"
    base_url = "https://api.x.com"
    batch_size = 100
    windows = (Window(calls=300, seconds=900),)
    billed = True

    def at_once(self, target: Target) -> Missing | None:
        """A name X's grammar forbids does not exist, and one such name would fail the whole call."""
        return None if LEGAL.fullmatch(_name(target)) else Missing.NOT_FOUND

    def advice(self, target: Target, answer: Missing) -> str:
        if answer == Missing.NOT_FOUND and self.at_once(target):
            return "X names have 1 to 15 letters, digits or underscores; correct the handle."
        return ""

    def step(self, target: Target) -> str:
        return target.step or ("ids" if LEGAL_ID.fullmatch(target.external_id) else "names")

    def request(self, batch: Batch, credential: str) -> Request:
        return Request(
            self.base_url + PATH[batch.step],
            headers={"Authorization": f"Bearer {credential}"},
            params=(
                (PARAMETER[batch.step], ",".join(_asked(t, batch.step) for t in batch.targets)),
                ("user.fields", FIELDS),
            ),
            dollars=DOLLARS_PER_USER * len(batch.targets),
        )

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        body = reading.decode(response)
        if response.status == 402 or (response.status == 429 and "usage-capped" in str(member(body, "type"))):
            raise CallFailed(Trouble.NO_CREDITS, reading.text(member(body, "detail"), 200) or "credits are used up")
        if response.status == 400 and (answers := _without_refused(batch, body)):
            return answers
        reading.check(response)
        if isinstance(body, Missing):
            return reading.everyone(batch, body)
        users, problems = reading.listed(body, "data"), reading.listed(body, "errors")
        if not users and not problems:
            return reading.everyone(batch, Missing.UNPARSABLE)
        key = "id" if batch.step == "ids" else "username"
        either: dict[str, Answer] = {_folded(member(problem, "value")): _reason(problem) for problem in problems}
        either |= {_folded(member(user, key)): _read(user) for user in users}
        return reading.per_target(batch, lambda t: _last_word(batch, either.get(_folded(_asked(t, batch.step)))))

    def quota(self, response: Response) -> Quota:
        headers = response.headers
        return Quota(
            remaining=reading.calls(headers.get("x-rate-limit-remaining")),
            reset_seconds=reading.seconds_to_epoch(headers.get("x-rate-limit-reset")),
            retry_after=reading.retry_after(headers),
        )


def _name(target: Target) -> str:
    return target.handle.removeprefix("@")


def _asked(target: Target, step: str) -> str:
    """What stands for `target` in a call."""
    return target.external_id if step == "ids" else _name(target)


def _folded(value: Any) -> str:
    return str(value).casefold()


def _last_word(batch: Batch, answer: Answer | None) -> Answer:
    """An id that X does not know is asked for by name: somebody else may have the name now."""
    if batch.step == "ids" and answer is Missing.NOT_FOUND:
        return Elsewhere("names")
    return answer or Missing.FROM_BATCH


def _without_refused(batch: Batch, body: Any) -> dict[str, Answer] | None:
    """When a call is refused for values it names: those alone are at fault, the others are asked for again."""
    messages = " ".join(str(member(error, "message")) for error in reading.listed(body, "errors"))
    refused = {_folded(value) for value in REFUSED_VALUE.findall(messages)}
    at_fault = {t.handle for t in batch.targets if _folded(_asked(t, batch.step)) in refused}
    if not at_fault:
        return None
    return {
        t.handle: _last_word(batch, Missing.NOT_FOUND) if t.handle in at_fault else Elsewhere(batch.step)
        for t in batch.targets
    }


def _reason(problem: Any) -> Missing:
    """Suspended users differ from missing ones in the text alone."""
    said = f"{member(problem, 'title')} {member(problem, 'detail')}".casefold()
    return Missing.SUSPENDED if "suspended" in said else Missing.NOT_FOUND


def _read(user: Any) -> Reading | Missing:
    metrics = member(user, "public_metrics")
    followers = whole(member(metrics, "followers_count"))
    if followers is None:
        return Missing.UNPARSABLE
    posts = whole(member(metrics, "post_count"))
    return Reading(
        followers=followers,
        following=whole(member(metrics, "following_count")),
        listed=whole(member(metrics, "listed_count")),
        posts=whole(member(metrics, "tweet_count")) if posts is None else posts,
        external_id=reading.identity(member(user, "id")),
        handle=reading.text(member(user, "username"), 255),
        display_name=reading.text(member(user, "name"), 255),
        bio=reading.text(member(user, "description")),
        bio_link=reading.link(member(user, "url")),
        image_url=reading.link(member(user, "profile_image_url"), 1000),
        verified=VERIFIED.get(str(member(user, "verified_type")), ""),
        opened_on=reading.day(member(user, "created_at")),
    )
