"""A fake LinkedIn: organisation look-up by vanity name and networkSizes. Source: the Community Management API."""

from __future__ import annotations

import re

from scraping.fakes.world import Call, Limit, Reply, World

NAME = "linkedin"
HOSTS = ("api.linkedin.com",)
LIMIT = Limit(calls=500, seconds=86_400, kind="day", zone="UTC")
SIZES = re.compile(r"/rest/networkSizes/urn%3Ali%3Aorganization%3A(\d+)", re.IGNORECASE)


def answer(call: Call, world: World) -> Reply:
    """One look-up or one size a call, with the version headers LinkedIn insists on."""
    if not call.token:
        return dead()
    if not re.fullmatch(r"\d{6}", call.headers.get("linkedin-version", "")):
        return _error(400, "VERSION_MISSING", "A version must be present. Please specify a version.")
    if not world.spend(NAME, call, LIMIT).allowed:
        return limited()
    sizes = SIZES.fullmatch(call.path)
    if sizes and call.params.get("edgeType") == "COMPANY_FOLLOWED_BY_MEMBER":
        return _size(sizes[1], world)
    if call.path == "/rest/organizations" and call.params.get("q") == "vanityName":
        return _organization(call.params.get("vanityName", ""), world)
    return _error(404, "RESOURCE_NOT_FOUND", "No virtual resource found")


def limited() -> Reply:
    """LinkedIn's answer when the day's calls are gone."""
    return _error(429, "TOO_MANY_REQUESTS", "Resource level throttle limit for calls to this resource is reached.")


def dead() -> Reply:
    """LinkedIn's answer to a token it does not know."""
    return _error(401, "INVALID_ACCESS_TOKEN", "Invalid access token")


def _error(status: int, code: str, message: str) -> Reply:
    return Reply({"status": status, "serviceErrorCode": 100, "code": code, "message": message}, status)


def _organization(name: str, world: World) -> Reply:
    fault = world.account_fault(NAME, name)
    reply = Reply({"paging": {"start": 0, "count": 10, "links": []}, "elements": []}, asked=(name,))
    if fault not in {"not_found", "renamed", "suspended", "missing"}:
        number = int(world.identity(NAME, name, fault))
        reply.data["elements"] = [
            {"id": number, "vanityName": name, "localizedName": name, "primaryOrganizationType": "NONE"}
        ]
    return reply


def _size(number: str, world: World) -> Reply:
    handle = world.name_of(NAME, number)
    fault = world.account_fault(NAME, handle)
    if fault == "forbidden":
        reply = _error(403, "ACCESS_DENIED", "Not enough permissions to access: networkSizes")
    elif fault in {"not_found", "suspended"}:
        reply = _error(404, "NOT_FOUND", "Could not find entity")
    elif fault in {"hidden", "missing"}:
        reply = Reply({})
    else:
        reply = Reply({"firstDegreeSize": world.figures(NAME, number, fault)["followers"]})
    reply.asked = (handle, number)
    return reply
