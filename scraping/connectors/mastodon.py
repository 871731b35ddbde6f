"""Mastodon: accounts of any server, by id, 40 a call; a name is looked up once and gives its figures along with the id.

Source: the Mastodon API, methods accounts (lookup, the list by id since 4.3, one by id), entity Account and its rate
limits; Pleroma's differences from it for counts that are hidden. Ids are the server's own, so ours carry its name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from scraping.connectors import fediverse, reading
from scraping.connectors.base import (
    Answer,
    Batch,
    Connector,
    Elsewhere,
    Missing,
    Quota,
    Reading,
    Request,
    Response,
    Target,
    Window,
)
from scraping.connectors.reading import member

USER = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,98}[A-Za-z0-9_])?"
# A DNS name with a dot and a top level that is no number: never an address, a port or a name of our own network.
HOST = r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})"
LEGAL = re.compile(rf"{USER}@{HOST}")
NUMBER = re.compile(r"[A-Za-z0-9]{1,64}")  # Mastodon's are digits, Pleroma's are not
LOOKUP, LIST, ONE = "lookup", "list", "one"
BY_STATUS = {401: Missing.WANTS_TOKEN, 403: Missing.BLOCKED, 410: Missing.SUSPENDED}


class Mastodon(Connector):
    """Followers, following and posts. Every server has its own limits and its own mind about who may read."""

    platform = "mastodon"
    base_url = "https://"  # and the host of the handle
    windows = (Window(calls=300, seconds=300),)
    per_host = True
    needs_credential = False

    def at_once(self, target: Target) -> Missing | None:
        """Only user@server with a public-looking server is asked for; where it leads is checked at connect."""
        return None if LEGAL.fullmatch(target.handle) else Missing.NOT_FOUND

    def advice(self, target: Target, answer: Missing) -> str:
        if answer == Missing.NOT_FOUND and self.at_once(target):
            return "Mastodon handles are user@server, such as Mastodon@mastodon.social; correct the handle."
        return {
            Missing.NOT_FOUND: "The server knows no such user. The server to name is the one in the profile's address.",
            Missing.WANTS_TOKEN: "This server shows profiles only to people who are signed in there.",
        }.get(answer, "")

    def step(self, target: Target) -> str:
        return target.step or (LIST if _number(target) else LOOKUP)

    def size(self, step: str) -> int:
        return 40 if step == LIST else 1

    def batches(self, targets: Sequence[Target]) -> list[Batch]:
        """Packed per server; one account alone is asked for in the way that every version knows."""
        by_host: dict[str, list[Target]] = defaultdict(list)
        for target in targets:
            by_host[_host(target)].append(target)
        packed = []
        for host, group in by_host.items():
            for batch in super().batches(group):
                alone = batch.step == LIST and len(batch.targets) == 1
                packed.append(replace(batch, host=host, step=ONE if alone else batch.step))
        return packed

    def request(self, batch: Batch, credential: str) -> Request:
        accounts = f"{self.base_url}{batch.host}/api/v1/accounts"
        first = batch.targets[0]
        if batch.step == LOOKUP:
            return Request(f"{accounts}/lookup", params=(("acct", _user(first)),))
        if batch.step == ONE:
            return Request(f"{accounts}/{_number(first)}")
        return Request(accounts, params=tuple(("id[]", _number(target)) for target in batch.targets))

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        reading.check(response, readable=(404, *BY_STATUS))
        body = reading.decode(response)
        if response.status in BY_STATUS:
            return reading.everyone(batch, BY_STATUS[response.status])
        if response.status == 404:
            return reading.everyone(batch, _not_here(batch, body))
        if isinstance(body, Missing):
            return reading.everyone(batch, body)
        if batch.step == LIST and not isinstance(body, list):
            return reading.everyone(batch, Missing.UNPARSABLE)
        accounts = body if batch.step == LIST else [body]
        return reading.per_target(batch, lambda target: _find(batch, target, accounts))

    def quota(self, response: Response) -> Quota:
        headers = response.headers
        return Quota(
            remaining=reading.calls(headers.get("x-ratelimit-remaining")),
            reset_seconds=reading.seconds_until(reading.instant(headers.get("x-ratelimit-reset"))),
            retry_after=reading.retry_after(headers),
        )


def _user(target: Target) -> str:
    return target.handle.partition("@")[0]


def _host(target: Target) -> str:
    return target.handle.partition("@")[2]


def _number(target: Target) -> str:
    """The account's id on its server, or "" where none is known or it is another server's."""
    number, _, host = target.external_id.partition("@")
    return number if host == _host(target) and NUMBER.fullmatch(number) else ""


def _not_here(batch: Batch, body: Any) -> Answer:
    """What a 404 says: servers before 4.3 have no list, an id that is gone may have left its name to somebody else."""
    if batch.step == LIST:
        return Elsewhere(ONE)
    if batch.step == ONE:
        return Elsewhere(LOOKUP)
    return body if isinstance(body, Missing) else Missing.NOT_FOUND


def _find(batch: Batch, target: Target, accounts: Sequence[Any]) -> Answer:
    """The answer for `target` among Account entities."""
    if batch.step == LOOKUP:
        return _read(accounts[0], _user(target), batch.host)
    number = _number(target)
    for account in accounts:
        if reading.identity(member(account, "id")) == number:
            return _read(account, str(member(account, "username")), batch.host)
    return Elsewhere(LOOKUP) if batch.step == LIST else Missing.UNPARSABLE


def _read(account: Any, user: str, host: str) -> Answer:
    """One Account entity, its id and name made those of the whole network."""
    if member(account, "pleroma", "hide_followers_count") is True:
        return Missing.HIDDEN  # Pleroma writes 0 then
    answer = fediverse.read_account(account, user)
    if not isinstance(answer, Reading):
        return answer
    name = reading.text(member(account, "username"), 255)
    hides_follows = member(account, "pleroma", "hide_follows_count") is True
    return replace(
        answer,
        following=None if hides_follows else answer.following,
        external_id=reading.identity(f"{answer.external_id}@{host}") if answer.external_id else "",
        handle=f"{name}@{host}" if name else "",
    )
