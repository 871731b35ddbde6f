"""Past figures in the database: stored once, never over better ones, published as they are, and undone exactly."""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Account
from perf import clock
from project.models import AuditEntry
from snapshots import importing
from snapshots.importing import Report, Undone, Verdict, import_figures, undo
from snapshots.judgements import JudgedFigure
from snapshots.judging import judge
from snapshots.models import ImportBatch, ImportedDay, LatestSnapshot, Quality, Snapshot
from snapshots.past import PastFigures
from snapshots.recording import Sighting, record
from snapshots.rollups import recompute
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]
HEADER = "platform,handle,date,followers"
START = date(2025, 3, 1)


def load(*rows: str, header: str = HEADER, **options: Any) -> Report:
    source = BytesIO("\n".join([header, *rows]).encode())
    return import_figures(PastFigures(source), "old.csv", by=None, **options)


def history(*counts: int, handle: str = "cdcgov", start: date = START) -> list[str]:
    return [f"x,{handle},{start + timedelta(days=n)},{count}" for n, count in enumerate(counts)]


def stored() -> list[tuple[str, date, int | None, str, str]]:
    rows = Snapshot.objects.order_by("account__handle", "date")
    return list(rows.values_list("account__handle", "date", "followers", "source", "quality"))


@pytest.fixture
def cdc() -> Account:
    return factories.account("x", "cdcgov")


def test_days_are_stored_as_imported_with_totals_and_latest(cdc: Account) -> None:
    report = load(*history(100, 110, 120))
    assert report.totals == {"new": 3, "exists": 0, "kept": 0, "duplicate": 0, "refused": 0}
    assert [row[2:] for row in stored()] == [(count, "imported", "published") for count in (100, 110, 120)]
    assert LatestSnapshot.objects.get(account=cdc).followers == 120
    assert not recompute(write=False)
    assert AuditEntry.objects.filter(action="snapshots.import", detail__days=3).exists()


def test_a_dry_run_writes_nothing(cdc: Account) -> None:
    report = load(*history(100, 110), dry_run=True)
    assert (report.totals["new"], report.batch) == (2, None)
    assert not Snapshot.objects.exists()
    assert not ImportBatch.objects.exists()


def test_a_second_import_changes_nothing(cdc: Account) -> None:
    load(*history(100, 110))
    before = list(Snapshot.objects.order_by("pk").values())
    report = load(*history(100, 110))
    assert report.totals["exists"] == 2
    assert list(Snapshot.objects.order_by("pk").values()) == before
    assert report.batch is not None
    assert report.batch.stored == 0


def test_better_figures_stand_and_simulated_ones_give_way(cdc: Account) -> None:
    factories.snapshot(cdc, START, 500, source="observed")
    factories.snapshot(cdc, START + timedelta(days=1), 7, source="simulated")
    load(*history(1, handle="cdcgov", start=START + timedelta(days=2)))
    report = load(*history(100, 110, 120))
    assert [row[2] for row in stored()] == [500, 110, 1]
    assert [(note.number, note.reason) for note in report.notes] == [
        (2, "An observed figure of this day stands."),
        (4, "An earlier import says otherwise of this day. Undo that one first to replace it."),
    ]
    assert not recompute(write=False)


def test_a_figure_observed_later_overwrites_an_imported_one(cdc: Account) -> None:
    load(*history(100, start=clock.today()))
    record([Sighting(cdc.pk, clock.today(), clock.now(), "observed", followers=130)])
    assert [row[2:4] for row in stored()] == [(130, "observed")]


def test_empty_cells_are_unknown(cdc: Account) -> None:
    load("x,cdcgov,2025-03-01,,7", "x,cdcgov,2025-03-02,0,", header=f"{HEADER},posts")
    assert list(Snapshot.objects.order_by("date").values_list("followers", "posts")) == [(None, 7), (0, None)]


def test_a_historys_own_leaps_are_published_and_listed(cdc: Account) -> None:
    report = load(*history(1_000, 90_000, 1_010, 1_020, 400_000, 400_100))
    assert [row[4] for row in stored()] == [Quality.PUBLISHED] * 6
    assert [(leap.before, leap.after) for leap in report.leaps] == [(1_000, 90_000), (90_000, 1_010), (1_020, 400_000)]
    assert report.leap_count == 3
    assert not recompute(write=False)


def test_accounts_that_fell_together_are_published_too() -> None:
    for n in range(5):
        factories.account("x", f"one{n}")
    rows = [row for n in range(5) for row in history(1_000, 600, handle=f"one{n}")]
    load(*rows)
    assert set(Snapshot.objects.values_list("quality", flat=True)) == {Quality.PUBLISHED}


def test_what_is_doubted_of_observed_figures_stays_doubted(cdc: Account) -> None:
    factories.snapshot(cdc, START, 9, source="observed", quality=Quality.SUSPECT)
    load(*history(100, 50_000))
    assert [row[2:] for row in stored()] == [(9, "observed", "suspect"), (50_000, "imported", "published")]


def test_problems_are_told_by_line_and_the_others_stored(cdc: Account) -> None:
    report = load(
        "x,cdcgov,2025-03-01,100",
        "x,@CDCgov,2025-03-01,100",
        "x,cdcgov,2025-03-01,101",
        "x,nobody,2025-03-01,5",
        "orkut,a,2025-03-01,5",
        "x,cdcgov,2025-03-02,many",
    )
    assert {note.number: note.verdict for note in report.notes} == {
        3: Verdict.DUPLICATE, 4: Verdict.REFUSED, 5: Verdict.REFUSED, 6: Verdict.REFUSED, 7: Verdict.REFUSED,
    }  # fmt: skip
    reasons = {note.number: note.reason for note in report.notes}
    assert reasons[4] == "Line 2 says otherwise of the same day."
    assert reasons[5] == "x nobody is not tracked. Import the roster first."
    assert "“orkut” is not a platform" in reasons[6]
    assert [row[2] for row in stored()] == [100]


def test_a_former_handle_means_its_account(cdc: Account) -> None:
    cdc.rename("cdc_new")
    load(*history(100))
    assert Snapshot.objects.get().account == cdc


def test_a_file_is_stored_in_chunks_and_tells_how_far_it_is(cdc: Account, monkeypatch: Any) -> None:
    monkeypatch.setattr(importing, "CHUNK", 4)
    monkeypatch.setattr(importing, "SQLITE_CHUNK", 4)
    told: list[tuple[int, int]] = []
    load(*history(*range(100, 110)), tell=lambda seen, total: told.append((seen, total)))
    assert told == [(4, 10), (8, 10), (10, 10)]
    assert Snapshot.objects.count() == 10


def test_an_interrupted_import_is_finished_by_the_next(cdc: Account, monkeypatch: Any) -> None:
    monkeypatch.setattr(importing, "CHUNK", 4)
    monkeypatch.setattr(importing, "SQLITE_CHUNK", 4)

    def die(seen: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(*history(*range(100, 110)), tell=die)
    batch = ImportBatch.objects.get()
    assert (batch.state, batch.seen, batch.stored, Snapshot.objects.count()) == ("running", 4, 4, 4)
    report = load(*history(*range(100, 110)))
    assert (report.totals["exists"], report.totals["new"]) == (4, 6)
    assert not recompute(write=False)


# --- Undoing


def test_undoing_takes_away_what_was_stored_and_nothing_else(cdc: Account) -> None:
    observed = factories.snapshot(cdc, START - timedelta(days=1), 90)
    load(*history(500, start=START + timedelta(days=9)))
    batch = load(*history(100, 110)).batch
    assert batch is not None
    assert undo(batch, None) == (2, 0)
    assert [row[1] for row in stored()] == [observed.date, START + timedelta(days=9)]
    assert (batch.state, batch.removed, ImportedDay.objects.filter(batch=batch).count()) == ("undone", 2, 0)
    assert AuditEntry.objects.filter(action="snapshots.undo_import", detail__days=2).exists()
    assert undo(batch, None) == (0, 0)
    assert not recompute(write=False)


def test_undoing_leaves_what_has_changed_since(cdc: Account) -> None:
    rows = [f"{row},3,4" for row in history(100, 110, 120)]
    batch = load(*rows, header=f"{HEADER},likes,shares").batch
    assert batch is not None
    record([Sighting(cdc.pk, START, clock.now(), "observed", followers=130)])
    corrected = START + timedelta(days=1)
    Snapshot.objects.filter(date=corrected).update(followers=111)
    assert undo(batch, None) == (1, 2)
    assert [row[1:4] for row in stored()] == [(START, 130, "observed"), (corrected, 111, "imported")]


def test_undoing_leaves_a_day_that_was_judged_and_its_judgement(cdc: Account) -> None:
    batch = load(*history(100, 110)).batch
    assert batch is not None
    judge(Snapshot.objects.get(date=START), accept=False, by=factories.user("editor"))
    undo(batch, None)
    assert [row[1:] for row in stored()] == [(START, 100, "imported", "rejected")]
    assert JudgedFigure.objects.count() == 1


def test_undoing_while_it_is_under_way_stops_it(cdc: Account, monkeypatch: Any) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    monkeypatch.setattr(importing, "SQLITE_CHUNK", 2)
    with pytest.raises(Undone):
        load(*history(1, 2, 3, 4, 5), tell=lambda *_: undo(ImportBatch.objects.get(), None) and None)
    assert not Snapshot.objects.exists()


def test_undone_days_may_be_imported_again(cdc: Account) -> None:
    batch = load(*history(100)).batch
    assert batch is not None
    undo(batch, None)
    load(*history(101))
    assert [row[2] for row in stored()] == [101]


# --- Pages and command


@pytest.fixture
def editor(client: Client) -> Client:
    client.force_login(factories.user("editor"))
    return client


def test_the_page_checks_first_then_imports_then_undoes(editor: Client, cdc: Account) -> None:
    text = "\n".join([HEADER, *history(100, 9_000), "x,nobody,2025-03-01,1"])
    page = editor.post("/figures/import/", {"text": text, "check": ""}).content.decode()
    assert "What the import would do" in page
    assert "x nobody is not tracked" in page
    assert "Leaps in the file" in page
    assert "Import 2 days" in page
    assert not Snapshot.objects.exists()
    page = editor.post("/figures/import/", {"text": text, "import": ""}).content.decode()
    assert "Imported</h2>" in page
    assert Snapshot.objects.count() == 2
    batch = ImportBatch.objects.get()
    page = editor.post(f"/figures/import/{batch.pk}/undo/", follow=True).content.decode()
    assert "2 days of “pasted text” were taken away." in page
    assert not Snapshot.objects.exists()


def test_the_page_says_how_many_days_of_an_undone_import_stay(editor: Client, cdc: Account) -> None:
    gone = factories.account("x", "gone")
    batch = load(*history(100, 110, 120), *history(5, handle="gone")).batch
    assert batch is not None
    judge(Snapshot.objects.get(date=START, account=cdc), accept=False, by=factories.user("editor"))
    gone.delete()
    page = editor.post(f"/figures/import/{batch.pk}/undo/", follow=True).content.decode()
    assert "2 days of “old.csv” were taken away. 1 has changed since then and stays." in page


def test_the_page_takes_large_files_and_asks_for_them_again(editor: Client, cdc: Account) -> None:
    rows = "\n".join([HEADER, *history(*range(100, 3_000), start=date(2005, 1, 1))])
    content = rows.encode() + (b"\n" + b" " * 1_000) * 3_000  # more than Django keeps in memory
    page = editor.post("/figures/import/", {"file": SimpleUploadedFile("old.csv", content), "check": ""})
    assert "Import 2,900 days" in page.content.decode()
    assert "choose it again" in page.content.decode()


def test_the_page_says_what_is_wrong_with_a_file(editor: Client) -> None:
    assert "does not name the columns" not in editor.get("/figures/import/").content.decode()
    page = editor.post("/figures/import/", {"text": "a,b\n1,2", "check": ""}).content.decode()
    assert "The first line does not name platform, handle, date." in page
    assert "Choose a file or paste the lines" in editor.post("/figures/import/", {"check": ""}).content.decode()
    assert "Nothing was imported yet." in page


def test_only_editors_import(client: Client) -> None:
    client.force_login(factories.user("viewer"))
    assert client.get("/figures/import/").status_code == 403
    assert client.post("/figures/import/1/undo/").status_code == 403


def test_the_roster_page_leads_here(editor: Client) -> None:
    assert 'href="/figures/import/"' in editor.get("/accounts/import/").content.decode()


def test_the_command_tells_line_by_line(cdc: Account, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text(
        "\n".join(["platform,handle,date,followers,mood", "x,cdcgov,2025-03-01,5,", "x,nobody,2025-03-01,5,"])
    )
    out = StringIO()
    call_command("import_figures", file, "--dry-run", stdout=out, stderr=StringIO())
    assert "3  refused    x nobody is not tracked." in out.getvalue()
    assert "Columns without a place here: mood." in out.getvalue()
    assert "1 new, 0 exists, 0 kept, 0 duplicate, 1 refused. Nothing was written." in out.getvalue()
    progress = StringIO()
    call_command("import_figures", file, stdout=out, stderr=progress)
    assert "100 % of 1 days" in progress.getvalue()
    assert Snapshot.objects.get().followers == 5
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_figures", tmp_path / "none.csv")
