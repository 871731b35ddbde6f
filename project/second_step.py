"""The optional second step of signing in: codes of an app (TOTP, RFC 6238), and recovery codes for when it is lost.

django-otp keeps the secrets. How often somebody may guess is ours to say: its own throttle makes people wait longer
and longer, wherever the wrong codes came from.
"""

from __future__ import annotations

import re
import secrets
from base64 import b32encode
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from perf import clock
from perf.events import happened
from perf.warm import PERSON
from project.access import client_address
from project.errors import is_api, refusal
from project.identities import digest
from project.models import SignIn, TokenUser
from project.roles import ADMINISTER
from project.throttles import CODES_ANYWHERE, CODES_FROM_HERE, refuse_beyond

TOLERANCE = 1  # steps of 30 s that a phone's clock may be wrong by, either way
RECOVERY_CODES = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without what is read for something else
RECOVERY_LENGTH = 12  # 59 bits
REFUSED = "auth.totp_refused"
SET_UP_FIRST = "Administrators sign in in two steps here. Set yours up first, at /two-steps/."
OPEN_ROUTES = frozenset({"two-steps", "two-steps-set-up", "logout"})
"""Where administrators without the second step get to while REQUIRE_TOTP is set."""


def device_of(user: Any) -> TOTPDevice | None:
    """What makes the codes of `user`; None where they sign in with the password alone."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def recovery_codes_left(user: User) -> int:
    """How many recovery codes of `user` are unused."""
    count: int = StaticToken.objects.filter(device__user=user).count()
    return count


def new_device(user: User, key: str) -> TOTPDevice:
    """An unsaved device of `user` with the secret `key`, as hex."""
    return TOTPDevice(user=user, name="app", key=key, tolerance=TOLERANCE)


def readable(device: TOTPDevice) -> str:
    """The secret of `device` to type into an app: Base32 in groups of four."""
    return " ".join(re.findall("....", b32encode(device.bin_key).decode()))


@transaction.atomic
def add(user: User, key: str, code: str, *, keep: str | None) -> list[str]:
    """Begin to ask `user` for codes of the secret `key`, of which `code` is one; end their sessions but `keep`.

    Returns the recovery codes, which can be shown only now; none where `code` is wrong and nothing was changed, or
    where another window was faster. Audited.
    """
    _lock(user)
    device = new_device(user, key)
    step = _step_of(device, code)
    if step is None or device_of(user):
        return []
    device.last_t = step
    device.save()
    SignIn.objects.filter(user=user).exclude(session=keep).end()  # begun with the password alone
    happened(user, "auth.totp_added", user.get_username())
    return _new_recovery_codes(user)


@transaction.atomic
def renew_recovery_codes(user: User) -> list[str]:
    """Fresh recovery codes, which can be shown only now; the old ones end. Audited."""
    happened(user, "auth.recovery_codes_made", user.get_username())
    return _new_recovery_codes(user)


@transaction.atomic
def remove(user: User, *, by: Any) -> bool:
    """Sign `user` in with the password alone from now on; False where they did before. Audited."""
    _lock(user)
    StaticDevice.objects.filter(user=user).delete()
    count, _ = TOTPDevice.objects.filter(user=user).delete()
    if count:
        happened(by, "auth.totp_removed", user.get_username())
    return bool(count)


@transaction.atomic
def accepts(request: HttpRequest, user: User, code: str) -> bool:
    """Whether `code` is one of `user`'s, of the app or for recovery; it is used up then. A wrong one is recorded.

    Raises TooManyRequests after too many wrong ones, and then looks at none.
    """
    _lock(user)
    name = user.get_username()
    refuse_beyond(request, CODES_FROM_HERE, REFUSED, target=name, detail__where=client_address(request))
    refuse_beyond(request, CODES_ANYWHERE, REFUSED, target=name)
    if _use(user, code) or _recover(user, code):
        return True
    happened(user if request.user.is_authenticated else None, REFUSED, name, {"where": client_address(request)})
    return False


def _lock(user: User) -> None:
    """Let one request at a time decide about the codes of `user`: no code counts twice, and no try is uncounted."""
    User.objects.select_for_update().get(pk=user.pk)


def _use(user: User, code: str) -> bool:
    device = device_of(user)
    step = _step_of(device, code) if device else None
    if device is None or step is None:
        return False
    device.last_t = step
    device.last_used_at = clock.now()
    device.save(update_fields=["last_t", "last_used_at"])
    return True


def _step_of(device: TOTPDevice, code: str) -> int | None:
    """The time step that `code` is of, among the unused ones around now; None where it is of none."""
    digits = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", digits):
        return None
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    totp.time = clock.now().timestamp()
    step: int | None = totp.t() if totp.verify(int(digits), TOLERANCE, device.last_t + 1) else None
    return step


def _recover(user: User, code: str) -> bool:
    token = StaticToken.objects.filter(device__user=user, token=_kept(code)).first()
    if token is None:
        return False
    token.delete()
    happened(user, "auth.recovery_code_used", user.get_username(), {"left": recovery_codes_left(user)})
    return True


def _new_recovery_codes(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="recovery")
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=_kept(code)) for code in codes)
    return ["-".join(re.findall("....", code)) for code in codes]


def _kept(code: str) -> str:
    """What is stored of a recovery code: as much of its digest as django-otp has room for."""
    return digest(re.sub(r"[\s-]", "", code).lower())[:16]


class SecondStepMiddleware:
    """Where REQUIRE_TOTP is set, leads administrators without the second step to setting it up, and nowhere else.

    Tokens go on working. Whom the warm path remembers was let in here, and is forgotten with their device or role.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: object, kwargs: object) -> Any:
        """A refusal or redirect instead of the view; None lets it answer."""
        if not settings.REQUIRE_TOTP or PERSON in request.META or not self._is_for_people_signed_in(request, view):
            return None
        user = request.user
        if isinstance(user, TokenUser) or not user.has_perm(ADMINISTER) or device_of(user):
            return None
        return refusal(403, SET_UP_FIRST) if is_api(request) else redirect("two-steps-set-up")

    def _is_for_people_signed_in(self, request: HttpRequest, view: Any) -> bool:
        route = request.resolver_match.view_name if request.resolver_match else ""
        is_for_all = not getattr(view, "login_required", True)
        return route not in OPEN_ROUTES and not is_for_all and request.user.is_authenticated
