"""The roster import: a verdict for every line, good rows kept, few queries, nothing changed silently."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import importing
from accounts.importing import Verdict, import_roster, plan_import
from accounts.models import Account, AccountTag, Organization, Tag
from accounts.rosters import Row, read_roster

pytestmark = pytest.mark.django_db
DEMO = Path(__file__).parents[2] / "accounts" / "demo_roster.json"
NEW, UPDATES, EXISTS, DUPLICATE, REFUSED = Verdict


def verdicts(text):
    return [(line.verdict, line.reason) for line in plan_import(read_roster(text))]


@pytest.mark.both_dbs
def test_the_real_roster_gives_99_accounts_of_49_organisations_six_of_them_core():
    done = import_roster(read_roster(DEMO.read_bytes()), by=None)
    assert done.counts == {"new": 99, "updates": 0, "exists": 0, "duplicate": 0, "refused": 0}
    assert (Account.objects.count(), Organization.objects.count()) == (99, 49)
    assert set(Account.objects.filter(is_core=True).values_list("organization__name", flat=True)) == {"HHS"}
    assert Account.objects.filter(is_core=True).count() == 6
    assert Account.objects.get(handle="10897894").external_id == "10897894"
    assert Account.objects.get(handle="hivgov", platform="youtube").url == "https://www.youtube.com/hivgov"


@pytest.mark.both_dbs
def test_importing_the_same_roster_again_changes_nothing(told, events):
    rows = read_roster(DEMO.read_bytes())
    import_roster(rows, by=None)
    before = list(Account.objects.order_by("pk").values())
    del told[:]
    assert import_roster(rows, by=None).counts["exists"] == 99
    assert (list(Account.objects.order_by("pk").values()), told) == (before, [])


@pytest.mark.both_dbs
def test_tags_are_set_where_a_line_states_them_and_stay_where_it_does_not(cdc, office, told):
    Account.objects.retag(None, add=["Flu", "old"])
    for handle in ("same", "silent"):
        account = Account.objects.create(organization=office, platform="x", handle=handle)
        account.tags.add(*Tag.objects.all())
    rows = read_roster(
        "Platform,Handle,Tags\nX,CDCgov,flu; kids\nX,same,OLD;flu\nX,silent,\nX,new,kids\nX,NEW,Kids\nX,CDCgov,flu\n"
    )
    dry = [(line.verdict, line.reason) for line in plan_import(rows)]
    assert dry[:4] == [(UPDATES, "tags: Flu; old → flu; kids"), (EXISTS, ""), (EXISTS, ""), (NEW, "")]
    assert [verdict for verdict, _ in dry[4:]] == [DUPLICATE, REFUSED]
    told.clear()
    done = import_roster(rows, by=None)
    assert [(line.verdict, line.reason) for line in done.lines] == dry
    names = AccountTag.objects.names_of(Account.objects.values_list("pk", flat=True))
    assert {account.handle: names[account.pk] for account in Account.objects.all()} == {
        "CDCgov": ["Flu", "kids"], "same": ["Flu", "old"], "silent": ["Flu", "old"], "new": ["kids"],
    }  # fmt: skip  # reads best as a table
    assert sorted(told[-1]["ids"]) == sorted([cdc.pk, Account.objects.get(handle="new").pk])
    assert import_roster(rows[:4], by=None).counts["exists"] == 4


def test_an_empty_list_takes_all_tags_off(cdc):
    Account.objects.retag(None, add=["flu"])
    (line,) = import_roster([Row(1, url=cdc.url, tags=())], by=None).lines
    assert (line.reason, cdc.tags.count()) == ("tags: flu → –", 0)


def test_a_dry_run_writes_and_tells_nothing(told, events):
    done = import_roster(read_roster(DEMO.read_bytes()), by=None, dry_run=True)
    assert (done.written, done.counts["new"], Account.objects.count(), told, events) == (False, 99, 0, [], [])


def test_every_line_gets_its_verdict_and_reason(cdc):
    assert verdicts(
        "organization,platform,url,core\n"
        "Office,x,https://twitter.com/cdcGOV,\n"
        "Other,x,https://twitter.com/CDCgov/,yes\n"
        "Office,x,https://x.com/cdcgov,\n"
        "Office,x,https://x.com/new_one,\n"
        "Office,x,https://www.instagram.com/p/abc/,\n"
        "Office,facebook,https://x.com/other,\n"
    ) == [
        (EXISTS, ""),
        (REFUSED, "Line 2 says otherwise of the same account."),
        (DUPLICATE, "The same account as line 2."),
        (NEW, ""),
        (REFUSED, "This is an address of Instagram, but the row says X."),
        (REFUSED, "This is an address of X, but the row says Facebook."),
    ]


def test_an_update_says_what_was_and_what_will_be_and_changes_only_that(cdc, told):
    Account.objects.filter(pk=cdc.pk).update(display_name="Kept", is_active=False)
    row = Row(2, platform="x", handle="cdcgov", organization="Other", core=True)
    done = import_roster([row], by=None)
    assert [(line.verdict, line.reason) for line in done.lines] == [
        (UPDATES, "organisation: Office → Other; core: no → yes")
    ]
    stored = Account.objects.select_related("organization").get()
    assert (stored.organization.name, stored.is_core, stored.display_name, stored.is_active) == (
        "Other",
        True,
        "Kept",
        False,
    )
    assert (told[-1]["fields"], told[-1]["old_organizations"]) == (
        {"organization", "is_core"},
        {cdc.pk: cdc.organization_id},
    )
    assert stored.handle == "CDCgov"


def test_an_editors_core_mark_outlives_an_import_that_does_not_speak_of_it(cdc):
    cdc.is_core = True
    cdc.save()
    import_roster(read_roster('[{"organization": "Office", "platform": "X", "url": "https://x.com/CDCgov"}]'), by=None)
    assert Account.objects.get().is_core


def test_an_address_of_another_kind_replaces_the_stored_one(office):
    Account.objects.create(
        organization=office, platform="youtube", handle="ODPHP", url="https://www.youtube.com/@ODPHP"
    )
    import_roster([Row(1, url="https://www.youtube.com/user/odphp")], by=None)
    assert Account.objects.get().profile_kind == "user"


def test_a_moved_account_keeps_its_address_where_the_row_only_spells_it_otherwise(cdc):
    done = import_roster([Row(1, url="https://x.com/cdcGOV", organization="Other")], by=None)
    assert done.lines[0].reason == "organisation: Office → Other"
    assert Account.objects.get().url == "https://x.com/CDCgov"


def test_a_row_with_a_former_handle_or_the_platforms_id_is_about_the_account_as_it_is_called_now(cdc):
    cdc.rename("CDC")
    Account.objects.learn({cdc.pk: {"external_id": "42"}})
    page = Account.objects.create(organization=cdc.organization, platform="facebook", handle="Page", external_id="77")
    lines = plan_import(
        [
            Row(1, platform="x", handle="CDCgov"),
            Row(2, url="https://www.facebook.com/profile.php?id=77"),
            Row(3, platform="x", handle="cdc"),
        ]
    )
    assert [(line.verdict, line.account_id) for line in lines] == [
        (EXISTS, cdc.pk),
        (EXISTS, page.pk),
        (DUPLICATE, cdc.pk),
    ]
    assert [line.reason for line in lines] == [
        "Known as CDC.",
        "Known as Page.",
        "The same account as line 1, renamed.",
    ]


def test_a_handle_taken_over_by_another_account_means_the_account_that_has_it_now(office, cdc):
    cdc.rename("moved")
    heir = Account.objects.create(organization=office, platform="x", handle="CDCgov")
    (line,) = plan_import([Row(1, platform="x", handle="cdcgov")])
    assert (line.account_id, line.reason) == (heir.pk, "")


def test_good_rows_are_kept_when_others_are_refused(told, events, admin_user):
    done = import_roster(read_roster("https://x.com/good\nhttps://x.com/a b\n"), by=admin_user)
    assert [line.verdict for line in done.lines] == [NEW, REFUSED]
    assert list(Account.objects.values_list("handle", "organization__name")) == [("good", "Unassigned")]
    assert told == [
        {"ids": [Account.objects.get().pk], "fields": {"created"}, "old_handles": {}, "old_organizations": {}}
    ]
    counts = {"new": 1, "updates": 0, "exists": 0, "duplicate": 0, "refused": 1}
    of = {"import": done.batch.pk, "ids": [Account.objects.get().pk]}
    assert events == [(admin_user, "accounts.import", "2 rows", counts | of)]


def test_all_or_nothing_leaves_everything_as_it_was_when_one_row_is_refused(told):
    done = import_roster(read_roster("https://x.com/good\nhttps://x.com/\n"), by=None, all_or_nothing=True)
    assert (done.written, Account.objects.count(), Organization.objects.count(), told) == (False, 0, 0, [])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (Row(1, platform="x", handle="=cmd|'/c calc'!A0"), "cannot be a handle"),
        (Row(1, platform="x", handle="<script>"), "cannot be a handle"),
        (Row(1, platform="myspace", handle="tom"), "not a platform"),
        (Row(1, platform="x"), "neither a handle nor an address"),
        (Row(1, platform="x", handle="one", url="https://x.com/other"), "The address is that of other"),
        (Row(1, handle="https://x.com/a/status/1"), "a post or another page"),
    ],
)
def test_a_row_is_refused_with_its_reason_and_never_cleaned(row, reason):
    (line,) = plan_import([row])
    assert line.verdict is REFUSED
    assert reason in line.reason


def test_an_address_in_the_handle_column_is_read_as_one():
    (line,) = plan_import(
        [
            Row(1, platform="X", handle="x.com/CDCgov"),
        ]
    )
    assert line.key == ("x", "cdcgov")


def test_the_organisation_is_stored_as_data_whatever_it_looks_like():
    import_roster([Row(1, url="https://x.com/a", organization="=<b>1+1</b>")], by=None)
    assert Organization.objects.get().name == "=<b>1+1</b>"


@pytest.mark.both_dbs
@pytest.mark.req("A24")
def test_the_number_of_queries_does_not_grow_with_the_rows():
    def queries(count, start):
        rows = [Row(i, platform="x", handle=f"h{start + i}", organization=f"Org {i % 5}") for i in range(count)]
        with CaptureQueriesContext(
            connection,
        ) as ran:
            assert import_roster(rows, by=None).counts["new"] == count
        return len(ran)

    few, many = queries(10, 0), queries(200, 1_000)
    inserts = 200 * 20 // 999 if connection.vendor == "sqlite" else 0  # Django splits an insert at 999 values there
    assert many <= few + inserts


@pytest.mark.both_dbs
def test_more_rows_than_one_statement_takes_are_imported_and_updated():
    rows = [Row(i, platform="x", handle=f"h{i}", organization="One") for i in range(1_201)]
    assert import_roster(rows, by=None).counts["new"] == 1_201
    moved = [Row(i, platform="x", handle=f"H{i}", organization="Two") for i in range(1_201)]
    assert import_roster(moved, by=None).counts["updates"] == 1_201
    assert Account.objects.filter(organization__name="Two").count() == 1_201


def test_a_line_that_loses_a_race_is_refused_and_the_winner_stays(monkeypatch, office):
    plan = importing.plan_import

    def overtaken(rows):
        lines = plan(rows)
        Account.objects.create(organization=office, platform="x", handle="CDCgov", display_name="First")
        return lines

    monkeypatch.setattr(importing, "plan_import", overtaken)
    done = import_roster([Row(1, platform="x", handle="cdcgov"), Row(2, platform="x", handle="other")], by=None)
    assert [line.verdict for line in done.lines] == [REFUSED, NEW]
    assert Account.objects.at("x", "cdcgov").get().display_name == "First"


def test_a_failing_receiver_leaves_nothing_half_imported(told):
    from accounts.signals import accounts_changed

    def fail(**said):
        raise IntegrityError("full")

    accounts_changed.connect(fail)
    try:
        with pytest.raises(IntegrityError), transaction.atomic():
            import_roster([Row(1, platform="x", handle="a")], by=None)
    finally:
        accounts_changed.disconnect(fail)
    assert not Account.objects.exists()
    assert not Organization.objects.exists()


def run(capsys, *arguments):
    code = 0
    try:
        call_command("import_roster", *map(str, arguments))
    except SystemExit as stop:
        code = stop.code
    return code, capsys.readouterr().out


def test_the_command_prints_every_line_with_its_reason_and_the_totals(capsys, tmp_path):
    file = tmp_path / "roster.csv"
    file.write_text("Platform,Handle,Organization\nX,CDCgov,CDC\nX,=1,CDC\n")
    code, out = run(capsys, file)
    assert code == 0
    assert "2  new" in out
    assert "3  refused" in out
    assert "write 1 to 15 letters" in out
    assert "1 new, 0 updates, 0 exists, 0 duplicate, 1 refused. Written." in out


def test_the_command_dry_runs_and_refuses_all_when_told(capsys, tmp_path):
    file = tmp_path / "roster.txt"
    file.write_text("https://x.com/CDCgov\nhttps://x.com/\n")
    assert run(capsys, file, "--dry-run")[0] == 0
    code, out = run(capsys, file, "--all-or-nothing")
    assert (code, Account.objects.count()) == (1, 0)
    assert "Nothing was written" in out


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot be read"), ('[{"platform": ', "line 1, column 15"), (b"\xff\xfe", "not UTF-8")],
)
def test_the_command_says_in_one_line_why_a_file_cannot_be_imported(tmp_path, content, reason):
    file = tmp_path / "roster.json"
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(CommandError, match=reason):
        call_command("import_roster", str(file))
