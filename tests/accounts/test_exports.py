"""The registry as a file: streamed in few queries, safe in a spreadsheet, and read back by the import."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import exports
from accounts.importing import import_roster
from accounts.models import Account, Organization
from accounts.rosters import read_roster
from tests.accounts.test_importing import DEMO

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]
ADDRESS = "/api/accounts.csv"


def text_of(response):
    return b"".join(response).decode()


def test_a_row_says_what_the_registry_knows(signed_in, cdc, events):
    Account.objects.retag(None, add=["kids", "Flu"])
    response = signed_in("viewer").get(ADDRESS, {"tag": "flu", "platform": "twitter"})
    assert text_of(response).splitlines() == [
        "Platform,Handle,URL,Organization,Core,Active,Display name,Platform's id,Owner team,Type,Category,Tags",
        '"x","CDCgov","https://x.com/CDCgov","Office","no","yes","","","","","","Flu; kids"',  # some split at ; else
    ]
    assert response["Content-Disposition"].startswith('attachment; filename="tidemark-accounts-20')
    assert [event[1:] for event in events[-1:]] == [("accounts.export", "csv", {"platform": "x", "tag": ["flu"]})]


def test_the_file_reads_back_as_what_is_there_and_rebuilds_a_lost_registry(signed_in, cdc):
    import_roster(read_roster(DEMO.read_bytes()), by=None)
    Organization.objects.filter(pk=cdc.organization_id).update(name="=HYPERLINK(1)")
    Account.objects.filter(platform="x").retag(None, add=["-1", "Flu"])
    written = text_of(signed_in("viewer").get(ADDRESS))
    assert all(not cell.startswith(("=", "-", "+", "@")) for row in csv.reader(io.StringIO(written)) for cell in row)
    rows = read_roster(written)
    again = import_roster(rows, by=None, dry_run=True)
    assert (again.counts["exists"], [line.reason for line in again.lines if line.reason]) == (100, [])
    Account.objects.all().delete()
    assert import_roster(rows, by=None).counts["new"] == 100
    assert text_of(signed_in("viewer").get(ADDRESS)) == written


def test_it_takes_two_queries_for_each_part_and_holds_one_part_at_a_time(office, monkeypatch):
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 10)
    Account.objects.bulk_create(
        Account(organization=office, platform="x", handle=f"a{i:02}", handle_key=f"a{i:02}") for i in range(25)
    )
    with CaptureQueriesContext(connection) as ran:
        parts = [part.count(b"\n") for part in exports.as_csv(Account.objects.all())]
    assert (parts, len(ran)) == ([1, 10, 10, 5], 4)


def test_it_is_for_those_who_may_see_accounts(signed_in, client):
    assert (client.get(ADDRESS).status_code, signed_in("crew").get(ADDRESS).status_code) == (401, 403)
