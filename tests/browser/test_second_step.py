"""The second step as people meet it: set up with an app, asked for, replaced by a recovery code, turned off again."""

from __future__ import annotations

from base64 import b32decode
from typing import Any

import pytest

from tests import factories
from tests.browser.conftest import PHONE, too_wide
from tests.project.codes import code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sign_out_and_in(page: Any, user: Any) -> None:
    """By the menu, and then through the form: as far as the password leads."""
    page.get_by_label(f"Menu of {user.username}").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login/")
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def give_code(page: Any, value: str) -> None:
    """At the second step, where the field waits for it."""
    page.wait_for_url("**/login/code/")
    assert page.evaluate("document.activeElement.name") == "code"
    page.keyboard.type(value)
    page.keyboard.press("Enter")


def give_both(page: Any, label: str, value: str, button: str) -> None:
    """The password and a code, in a form that changes the second step."""
    page.get_by_label("Your password").fill(factories.PASSWORD)
    page.get_by_label(label).fill(value)
    page.get_by_role("button", name=button).click()


def test_second_step_is_set_up_asked_for_recovered_and_turned_off(open_page: Any, editor: Any) -> None:
    page = open_page(PHONE, editor, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/two-steps/")
    assert too_wide(page) == {}
    page.get_by_role("link", name="Set it up").click()
    key = b32decode(page.locator("#secret").inner_text().replace(" ", "")).hex()
    assert page.get_by_alt_text("QR code").evaluate("image => image.naturalWidth") > 0
    give_both(page, "Code from the app", "12345", "Turn it on")
    page.get_by_text("The app shows another code now").wait_for()
    assert too_wide(page) == {}
    give_both(page, "Code from the app", code(key), "Turn it on")
    page.get_by_role("heading", name="Two-step sign-in is on").wait_for()
    assert too_wide(page) == {}
    recovery = page.locator("#codes").inner_text().split()
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").split() == recovery
    page.get_by_role("link", name="I have kept them").click()

    sign_out_and_in(page, editor)
    page.wait_for_url("**/login/code/")
    assert too_wide(page) == {}
    give_code(page, "12345")
    page.get_by_text("This code is not right").wait_for()
    give_code(page, code(key, 1))  # the one before was used to set it up; the wrong one is gone from the field

    sign_out_and_in(page, editor)
    give_code(page, recovery[0])
    page.get_by_label("Menu of").wait_for()
    page.goto("/two-steps/")
    page.get_by_text(f"{len(recovery) - 1} recovery codes left").wait_for()
    page.get_by_role("link", name="Turn off").click()
    assert too_wide(page) == {}
    give_both(page, "Code", recovery[1], "Turn it off")
    page.get_by_text("Two-step sign-in is off").wait_for()

    sign_out_and_in(page, editor)
    page.get_by_label("Menu of").wait_for()
