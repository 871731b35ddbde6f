"""Why there is no figure, in words for people."""

from __future__ import annotations

from django import template

from scraping.connectors.base import Missing, Trouble

register = template.Library()

WORDS: dict[str, str] = {
    Missing.HIDDEN: "The profile hides its followers",
    Missing.NOT_FOUND: "The platform knows no such profile",
    Missing.SUSPENDED: "The platform has suspended the profile",
    Missing.RENAMED: "The profile has a new handle",
    Missing.BLOCKED: "The platform did not let us read the page",
    Missing.UNPARSABLE: "The page has no number we can read",
    Missing.FROM_BATCH: "The platform's answer left this account out",
    Missing.UNSUPPORTED_PROFILE: "This kind of profile cannot be read",
    Missing.REASSIGNED: "The handle now belongs to someone else",
    Trouble.RATE_LIMITED: "The platform asks us to wait",
    Trouble.SERVER_ERROR: "The platform had an error of its own",
    Trouble.TIMEOUT: "The platform did not answer in time",
    Trouble.CONNECTION: "No connection to the platform",
    Trouble.FORBIDDEN_ADDRESS: "The address leads to a place we do not fetch from",
    Trouble.TOO_LARGE: "The answer was too large",
    Trouble.DEAD_TOKEN: "The platform refused our token",
    Trouble.NO_CREDENTIAL: "No token is set for this platform",
    Trouble.BUDGET_SPENT: "The monthly budget is spent",
    Trouble.REFUSED: "The platform refused the request",
    Trouble.DEADLINE: "It took longer than one account may take",
}


@register.filter
def reason(outcome: str | None) -> str:
    """What an outcome means: "timeout" → "The platform did not answer in time"; unknown ones as they are."""
    return WORDS.get(outcome or "", (outcome or "").replace("_", " "))
