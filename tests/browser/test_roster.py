"""The roster import in a real browser: pasted addresses of all platforms, line by line, imported, undone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from accounts.models import Account
from tests.browser.conftest import PHONE, WIDE, overflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASTED = """https://x.com/station00
https://www.youtube.com/@NOAA
bsky.app/profile/noaa.gov
https://github.com/noaa
https://x.com/station00/status/12
https://example.org/nobody
"""


@pytest.mark.parametrize(("size", "scripts"), [(WIDE, True), (PHONE, False)], ids=["wide", "phone without scripts"])
def test_pasted_addresses_are_checked_imported_and_undone(open_page, editor, roster, size, scripts):
    page = open_page(size, editor, java_script_enabled=scripts)
    page.goto("/accounts/import/")
    page.get_by_label("Or paste it").fill(PASTED)
    page.get_by_role("button", name="Check").click()
    page.wait_for_url("**/accounts/import/*/")
    expect(page.get_by_role("heading", name="What the import would do")).to_be_visible()
    expect(page.locator("#lines tbody tr")).to_have_count(6)
    expect(page.locator("#lines tbody tr").first).to_contain_text("not a profile")
    assert overflow(page) == 0
    page.get_by_role("link", name="2 refused").click()
    expect(page.locator("#lines tbody tr")).to_have_count(2)
    with page.expect_download() as file:
        page.get_by_role("link", name="Refused lines as CSV").click()
    assert b"example.org/nobody" in file.value.path().read_bytes()
    page.get_by_role("button", name="Import 3 accounts").click()
    expect(page.get_by_role("heading", name="What the import did")).to_be_visible()
    assert Account.objects.count() == 63
    page.get_by_role("button", name="Undo the import of Pasted roster").click()
    expect(page.get_by_text("3 removed.").first).to_be_visible()
    assert Account.objects.count() == 60
    assert overflow(page) == 0
    page.goto("/accounts/import/")
    expect(page.get_by_role("row", name=re.compile("Pasted roster.*undone"))).to_be_visible()
    assert overflow(page) == 0


def test_what_a_form_refuses_is_said_beside_the_field_that_has_the_focus(open_page, editor, roster):
    page = open_page(WIDE, editor)
    page.goto("/accounts/new/")
    page.get_by_label("Address or handle").fill("https://x.com/station00")
    page.get_by_label("Organisation").fill("Buoys")
    page.get_by_role("button", name="Add the account").click()
    field = page.get_by_label("Address or handle")
    expect(field).to_be_focused()
    expect(field).to_have_value("https://x.com/station00")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("link", name="open X station00")).to_have_attribute("href", "/accounts/x/station00/")
