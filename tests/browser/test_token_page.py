"""The page of one's tokens, as people use it: make one, copy it, revoke it, on a phone and on a wide screen."""

from __future__ import annotations

import pytest

from project.models import AccessToken
from tests.browser.conftest import PHONE, WIDE, overflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["phone", "wide"])
def test_a_token_is_made_copied_and_revoked(open_page, editor, size):
    AccessToken.objects.make(editor, "The nightly report to the harbour office's own dashboard", "read")
    page = open_page(size, editor, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/tokens/")
    page.get_by_label("Name").fill("Power BI")
    page.get_by_role("button", name="Make token").click()
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_text("Copied.").wait_for()
    assert AccessToken.objects.find(page.evaluate("navigator.clipboard.readText()")).name == "Power BI"
    page.get_by_role("button", name="Copy command").click()
    assert page.evaluate("navigator.clipboard.readText()").startswith("curl -H")
    assert overflow(page) == 0
    page.get_by_role("link", name="Revoke Power BI").click()
    assert overflow(page) == 0
    page.get_by_role("button", name="Revoke for good").click()
    page.get_by_text("Whatever used it is refused from now on").wait_for()
    assert AccessToken.objects.get(name="Power BI").revoked_at
