"""Invitations to print: cards with a QR code that a new person scans with the phone they will work with."""

from __future__ import annotations

from dataclasses import dataclass

import segno
from django import forms
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from perf.access import requires
from perf.events import happened
from project.models import Invitation
from project.roles import ROLES

CARDS_MAX = 24  # three sheets of paper


class PrintForm(forms.Form):
    """How many invitations, and into which role."""

    role = forms.ChoiceField(choices=[(role, role.capitalize()) for role in ROLES], initial="crew")
    cards = forms.IntegerField(min_value=1, max_value=CARDS_MAX, initial=1, help_text=f"At most {CARDS_MAX} at once.")


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
    """Make invitations and show them once, ready to be printed: their links are stored nowhere."""
    form, cards = PrintForm(request.POST or None), list[Card]()
    if request.method == "POST" and form.is_valid():
        cards = _make(request, form.cleaned_data["role"], form.cleaned_data["cards"])
    context = {"form": form, "cards": cards, "waiting": Invitation.objects.open().count()}
    return render(request, "project/invitations.html", context, status=400 if form.errors else 200)


def _make(request: HttpRequest, role: str, number: int) -> list[Card]:
    with transaction.atomic():
        cards = [_card(request, role) for _ in range(number)]
        happened(request.user, "invitation.made", "", {"role": role, "printed": number})
    return cards


def _card(request: HttpRequest, role: str) -> Card:
    invitation = Invitation(role=role, created_by=request.user)  # type: ignore[misc]  # signed in
    link = f"{settings.BASE_URL}{reverse('invitation', args=[invitation.new_code()])}"
    invitation.save()
    return Card(invitation, link, qr(link))


def qr(link: str) -> str:
    """`link` as a QR code, which a quarter's dirt does not spoil: the address of an image, within the page."""
    address: str = segno.make(link, error="q", micro=False).svg_data_uri(omitsize=True, border=4, light="#fff")
    return address
