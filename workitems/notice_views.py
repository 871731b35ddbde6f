"""The page where people set how they are told of their items, and see what they were told."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods

from perf.access import requires
from perf.events import happened
from workitems.models import Contact, Notice
from workitems.notifications import words


class ContactForm(forms.ModelForm):
    """How one person is told."""

    class Meta:
        model = Contact
        fields = ("wants_mail", "wants_sms", "phone")
        widgets = {"phone": forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"})}
        labels = {"wants_mail": "Mail me", "wants_sms": "Text me"}


@cache_control(private=True, no_cache=True)  # not no-store: such a page is sent uncompressed
@require_http_methods(["GET", "HEAD", "POST"])
@requires("workitems.view_workitem")
def notices(request: HttpRequest) -> HttpResponse:
    """Show and store how one is told of one's items."""
    user: Any = request.user  # signed in, as `requires` asks
    contact = Contact.objects.filter(user=user).first() or Contact(user=user)
    form = ContactForm(request.POST or None, instance=contact)
    if request.method == "POST" and form.is_valid():
        _store(request, form)
        return redirect("workitems:notices")
    context = {
        "form": form,
        "notices": [(one, words(one)) for one in Notice.objects.for_log(user)],
        "sends": _channels(),
    }
    return render(request, "workitems/notices.html", context, status=400 if form.errors else 200)


def _store(request: HttpRequest, form: ContactForm) -> None:
    with transaction.atomic():
        form.save()
        happened(request.user, "workitems.contact", request.user.get_username())
    messages.success(request, "Saved. It counts from the next notice on.")


def _channels() -> list[str]:
    """The ways in which this installation tells people, in words."""
    if not settings.ENABLE_NOTIFICATIONS:
        return []
    return [name for name, there in (("mail", settings.MAIL), ("text message", settings.SMS)) if there]
