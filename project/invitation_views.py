"""Invitations to print or to text: a QR code or a link for the phone that a new person will work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import segno
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from perf.access import requires
from perf.events import happened
from perf.outbox import Undelivered
from project.models import Invitation
from project.roles import within
from workitems.models.notices import phone_number
from workitems.notifications import text_message

CARDS_MAX = 24  # three sheets of paper
NO_ROLE = "You can invite into roles that may do no more than you may yourself, and there is none."
TEXT = "You are invited to Tidemark. Make your account here, once and within 72 hours: {link}"


class RoleForm(forms.Form):
    """Into which of `roles` somebody is invited."""

    role = forms.ChoiceField(initial="crew")

    def __init__(self, roles: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(role, role.capitalize()) for role in roles]  # type: ignore[attr-defined]  # a ChoiceField


class PrintForm(RoleForm):
    """How many invitations, and into which role."""

    cards = forms.IntegerField(min_value=1, max_value=CARDS_MAX, initial=1, help_text=f"At most {CARDS_MAX} at once.")


class TextForm(RoleForm):
    """Whom to text an invitation, and into which role."""

    phone = forms.CharField(
        label="Mobile phone",
        validators=[phone_number],
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "off"}),
        help_text="With its country code and without spaces, such as +4915112345678.",
    )


@dataclass(frozen=True, slots=True)
class Card:
    """One invitation as it is printed: its link in words and as an image's address."""

    invitation: Invitation
    link: str
    code: str


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("project.add_invitation")
def invitations(request: HttpRequest) -> HttpResponse:
    """Make invitations and show them once, ready to be printed, or text one: their links are stored nowhere."""
    if not (roles := within(request.user)):  # type: ignore[arg-type]  # signed in: not anonymous
        raise PermissionDenied(NO_ROLE)
    texts = settings.SMS and "text-phone" in request.POST
    form, cards = PrintForm(roles, None if texts else request.POST or None), list[Card]()
    text = TextForm(roles, request.POST if texts else None, prefix="text") if settings.SMS else None
    if form.is_valid():
        cards = _make(request, form.cleaned_data["role"], form.cleaned_data["cards"])
    elif text and text.is_valid():
        if _text(request, card := _invite(request, **text.cleaned_data)):
            return redirect("invitations")
        cards = [card]
    context = {"form": form, "text": text, "cards": cards, "waiting": Invitation.objects.open().count()}
    return render(
        request, "project/invitations.html", context, status=400 if form.errors or (texts and not cards) else 200
    )


def _make(request: HttpRequest, role: str, number: int) -> list[Card]:
    with transaction.atomic():
        cards = [_card(request, role) for _ in range(number)]
        happened(request.user, "invitation.made", "", {"role": role, "printed": number})
    return cards


def _invite(request: HttpRequest, role: str, phone: str) -> Card:
    with transaction.atomic():
        card = _card(request, role, phone)
        happened(request.user, "invitation.made", phone, {"role": role})
    return card


def _text(request: HttpRequest, card: Card) -> bool:
    """Text the link of `card` and say what came of it; False where the card is to be handed over instead."""
    try:
        text_message(card.invitation.phone, TEXT.format(link=card.link))
    except Undelivered as failure:
        kept = "The invitation is good all the same: print its card, or show the code."
        messages.warning(request, f"The text message was not sent: {failure}. {kept}")
        return False
    messages.success(request, f"The invitation is on its way to {card.invitation.phone}.")
    return True


def _card(request: HttpRequest, role: str, phone: str = "") -> Card:
    invitation = Invitation(role=role, phone=phone, created_by=request.user)  # type: ignore[misc]  # signed in
    link = f"{settings.BASE_URL}{reverse('invitation', args=[invitation.new_code()])}"
    invitation.save()
    return Card(invitation, link, qr(link))


def qr(link: str) -> str:
    """`link` as a QR code, which a quarter's dirt does not spoil: the address of an image, within the page."""
    address: str = segno.make(link, error="q", micro=False).svg_data_uri(omitsize=True, border=4, light="#fff")
    return address
