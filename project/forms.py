"""Forms for tokens and for the first account of an invited person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordResetForm, UserCreationForm, UsernameField
from django.contrib.auth.models import User

from perf import clock
from perf.events import happened
from project.roles import SCOPES, Scope
from project.throttles import RESETS_MAILED, wait

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "One year", "": "Until revoked"}


class SignInForm(AuthenticationForm):
    """Django's own, which only tells the browser how long a name may be; a longer one breaks the record of the try."""

    username = UsernameField(max_length=150, widget=forms.TextInput(attrs={"autofocus": True}))


class CodeInput(forms.TextInput):
    """A field that is empty again after a wrong code: that one never becomes right, and the next is typed behind it."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


class CodeForm(forms.Form):
    """What proves the second step: a code of the app, or one for recovery."""

    code = forms.CharField(
        max_length=40,
        help_text="The six digits that your app shows now, or one of your recovery codes.",
        widget=CodeInput(attrs={"autofocus": True, "autocomplete": "one-time-code", "spellcheck": "false"}),
    )


class PasswordAndCodeForm(forms.Form):
    """Both steps anew, before either is changed: a session left open is not enough."""

    password = forms.CharField(
        label="Your password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    code = forms.CharField(
        max_length=40,
        help_text="The six digits that your app shows now, or one of your recovery codes.",
        widget=CodeInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )


class SetUpForm(PasswordAndCodeForm):
    """The password, and the first code of an app that has just learnt the secret."""

    code = forms.CharField(
        max_length=10,
        label="Code from the app",
        help_text="The six digits that it shows now.",
        widget=CodeInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class ResetForm(PasswordResetForm):
    """Django's own, which mails one person no more than RESETS_MAILED and puts each mail on the record."""

    def get_users(self, email: str) -> Iterator[User]:
        for user in super().get_users(email):
            if not wait(RESETS_MAILED, "auth.reset_mailed", target=user.get_username()):
                happened(None, "auth.reset_mailed", user.get_username())
                yield user


class TokenForm(forms.Form):
    """What a new token is called, what it is for and how long it lives. `scopes` are those with any use to the user."""

    name = forms.CharField(max_length=100, help_text="What will use it, such as “Power BI”.")
    scope = forms.ChoiceField(label="It may", help_text="Within your own rights, which it follows when they change.")
    days = forms.ChoiceField(choices=list(LIFETIMES.items()), required=False, initial="90", label="Lives for")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scopes = [(scope, label) for scope, label in Scope.choices if any(map(user.has_perm, SCOPES[scope]))]
        self.fields["scope"].choices = self.scopes  # type: ignore[attr-defined]  # a ChoiceField

    def clean(self) -> dict[str, Any]:
        """Add `expires_at`, an instant or None."""
        cleaned: dict[str, Any] = super().clean() or {}
        days = cleaned.get("days")
        cleaned["expires_at"] = clock.now() + timedelta(days=int(days)) if days else None
        return cleaned


class InvitedUserForm(UserCreationForm):
    """Name and password of somebody who follows an invitation; a name that is taken in other letters is taken."""

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name")
