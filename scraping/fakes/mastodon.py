"""Fake Mastodon servers, as many as are asked for: look-up, accounts by id, one account. Limits count per server.

Source: the Mastodon API's documentation. A fault on a server is one whose handle is its host: "unsupported" makes it
older than 4.3 (no list by id), "forbidden" one that answers nobody without a token.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from scraping.fakes import curves
from scraping.fakes.world import Call, Limit, Reply, Usage, World

NAME = "mastodon"
HOSTS = ("mastodon.social",)  # any other host answers too: see `serves`
LIMIT = Limit(calls=300, seconds=300, kind="fixed")
MOST_IDS = 40
ACCOUNTS = "/api/v1/accounts"
ONE = re.compile(rf"{ACCOUNTS}/(\d+)")


def serves(path: str) -> bool:
    """Whether `path` is one that any Mastodon server answers."""
    return path == ACCOUNTS or path.startswith(f"{ACCOUNTS}/")


def answer(call: Call, world: World) -> Reply:
    """One of the three ways to ask for accounts."""
    usage = world.spend(NAME, call, LIMIT)
    one = ONE.fullmatch(call.path)
    if not usage.allowed:
        reply = limited()
    elif not call.token and world.fault(NAME, {call.host}, {"forbidden"}):
        reply = dead()
    elif call.path == f"{ACCOUNTS}/lookup":
        reply = _lookup(call.params.get("acct", ""), call.host, world)
    elif one:
        reply = _one(one[1], call.host, world)
    elif call.path == ACCOUNTS:
        reply = _list(call, world)
    else:
        reply = _not_found()
    reply.headers |= _headers(usage)
    reply.asked = (call.host, *reply.asked)
    return reply


def limited() -> Reply:
    """A server's answer to one call too many."""
    return Reply({"error": "Too many requests"}, 429)


def dead() -> Reply:
    """What a server says that shows nothing without a token, or does not accept the one it got."""
    return Reply({"error": "This API requires an authenticated user"}, 401)


def _not_found() -> Reply:
    return Reply({"error": "Record not found"}, 404)


def _headers(usage: Usage) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(usage.limit),
        "X-RateLimit-Remaining": str(usage.remaining),
        "X-RateLimit-Reset": datetime.fromtimestamp(usage.resets_at, UTC).isoformat().replace("+00:00", "Z"),
    }


def _lookup(acct: str, host: str, world: World) -> Reply:
    handle = f"{acct.partition('@')[0]}@{host}"
    fault = world.account_fault(NAME, handle)
    gone = fault in {"not_found", "renamed", "missing"} or not acct
    reply = _not_found() if gone else Reply(_account(world.identity(NAME, handle, fault), handle, fault, world))
    reply.asked = (handle,)
    return reply


def _one(number: str, host: str, world: World) -> Reply:
    handle, account = _by_id(number, host, world)
    reply = _not_found() if account is None else Reply(account)
    reply.asked = (handle,)
    return reply


def _list(call: Call, world: World) -> Reply:
    """Accounts by `id[]` in the order of the server's choice; those it does not have are left out."""
    if world.fault(NAME, {call.host}, {"unsupported"}):
        return Reply({"error": "Not Found"}, 404)
    ids = [value for name, value in parse_qsl(call.query) if name == "id[]"]
    if len(ids) > MOST_IDS:
        return Reply({"error": f"Too many ids: at most {MOST_IDS}"}, 422)
    found = [_by_id(number, call.host, world) for number in sorted(ids, reverse=True)]
    return Reply([account for _, account in found if account], asked=tuple(handle for handle, _ in found))


def _by_id(number: str, host: str, world: World) -> tuple[str, dict[str, Any] | None]:
    """Handle and account of an id; without the handle's memory, of an account that says no name."""
    handle = world.name_of(NAME, number)
    fault = world.account_fault(NAME, handle)
    belongs_here = handle == number or handle.endswith(f"@{host}")
    given_away = fault == "reassigned" and number == curves.external_id(NAME, handle)
    gone = fault in {"not_found", "missing"} or given_away or not belongs_here
    return handle, None if gone else _account(number, handle, fault, world)


def _account(number: str, handle: str, fault: str, world: World) -> dict[str, Any]:
    figures, profile = world.figures(NAME, number, fault), curves.profile(NAME, handle)
    user, _, host = handle.partition("@")
    moved = fault == "renamed" and number == curves.external_id(NAME, handle)
    user = f"moved_{user}" if moved else user
    account: dict[str, Any] = {
        "id": number,
        "locked": False,
        "display_name": profile.display_name,
        "created_at": f"{profile.opened_on}T00:00:00.000Z",
        "note": f"<p>{profile.bio}</p>",
        "avatar": profile.image_url,
        "last_status_at": f"{profile.opened_on}",
        "followers_count": -1 if fault == "hidden" else figures["followers"],
        "following_count": figures["following"],
        "statuses_count": figures["posts"],
    }
    if host:
        account |= {"username": user, "acct": user, "url": f"https://{host}/@{user}"}
    if fault == "suspended":
        account |= {"suspended": True, "followers_count": 0, "following_count": 0, "statuses_count": 0}
    return account
