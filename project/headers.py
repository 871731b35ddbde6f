"""What browsers are told beyond what Django and django-csp tell them, and the cookies of messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpRequest, HttpResponseBase

UNUSED = (
    *("accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media"),
    *("fullscreen", "geolocation", "gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi"),
    *("payment", "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking"),
)
"""What no page of ours asks a browser for, but names that Chromium does not know everywhere: it complains of those.

A crew's photos come from the system's own camera, through a file field."""

TOLD = {
    "Permissions-Policy": ", ".join(f"{name}=()" for name in UNUSED),
    "Cross-Origin-Resource-Policy": "same-origin",
}


class BrowserLimitsMiddleware:
    """Takes away from pages what they do not use, and keeps other sites from loading any answer as a part of theirs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in TOLD.items():
            response.headers.setdefault(name, value)
        return response


class MessageCookie(CookieStorage):
    """Django's, under a name that browsers guard (`__Host-`) where there is https."""

    cookie_name = f"{settings.COOKIE_PREFIX}messages"


class MessageSession(SessionStorage):
    """Django's, for who is signed in: a stranger's full cookie, sent again and again, would make one each time."""

    def _store(self, messages: list[Message], response: HttpResponseBase, *args: Any, **kwargs: Any) -> list[Message]:
        if SESSION_KEY not in self.request.session:
            return []
        left: list[Message] = super()._store(messages, response, *args, **kwargs)  # type: ignore[misc]  # no stub has it
        return left


class Messages(FallbackStorage):
    """Messages in a cookie, and in the session what does not fit into one."""

    storage_classes = (MessageCookie, MessageSession)
