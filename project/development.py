"""What development adds: the debug toolbar on every page, Silk, and an address that is slow on purpose.

Settings take `settings_of` only with DEBUG=1, so that production never installs, runs or imports any of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SILK, TOOLBAR = "/silk/", "/__debug__/"
RECORDED_REQUESTS = 1_000  # Silk drops older ones
RECORDED_BODY = 64 * 1024  # bytes of an answer that Silk keeps; longer ones it leaves out


def settings_of(apps: Sequence[str], middleware: Sequence[str], policy: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that change: INSTALLED_APPS, MIDDLEWARE, CONTENT_SECURITY_POLICY and those of both tools.

    Both stand inside the compression: the toolbar writes into pages and Silk keeps them as they are before it. Silk's
    own pages are full of inline scripts and styles, so they alone are without a Content-Security-Policy.
    """
    inside = middleware.index("perf.compression.CompressionMiddleware") + 1
    tools = ["silk.middleware.SilkyMiddleware", "debug_toolbar.middleware.DebugToolbarMiddleware"]
    return {
        "INSTALLED_APPS": [*apps, "debug_toolbar", "silk"],
        "MIDDLEWARE": [*middleware[:inside], *tools, *middleware[inside:]],
        "CONTENT_SECURITY_POLICY": {**policy, "EXCLUDE_URL_PREFIXES": [SILK]},
        "INTERNAL_IPS": ["127.0.0.1", "::1"],
        "SILKY_AUTHENTICATION": True,
        "SILKY_AUTHORISATION": True,
        "SILKY_PERMISSIONS": may_see,
        "SILKY_INTERCEPT_FUNC": is_ours,
        "SILKY_MAX_RECORDED_REQUESTS": RECORDED_REQUESTS,
        "SILKY_MAX_RESPONSE_BODY_SIZE": RECORDED_BODY,
    }


def may_see(user: Any) -> bool:
    """Whether `user` may open Silk: whoever may see the performance page."""
    return bool(user.has_perm("perf.view_performance"))


def is_ours(request: Any) -> bool:
    """Whether Silk records `request`; what the toolbar asks for is none of the product's."""
    return not request.path.startswith(TOOLBAR)
