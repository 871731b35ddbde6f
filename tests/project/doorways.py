"""Every doorway through which figures and accounts are written: pages, API, administration, commands, tasks."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from accounts import bulk
from accounts.models import Account
from scraping import ledger, settling
from scraping.connectors.base import Missing, Reading, Trouble
from scraping.results import Result
from snapshots.judging import Ticket
from snapshots.models import Snapshot
from snapshots.note_forms import seen
from tests.project.reads import ROSTER, World
from tests.project.writers import (
    COUNTED,
    EARLIER,
    FIGURES,
    NAMES,
    NOTHING,
    OFFICES,
    Writer,
    everywhere,
    figures,
    latest,
    noted,
    press,
    registry,
    thirds,
)
from tests.scraping.promising import request, tried
from tests.snapshots.test_legacy import Old


def _client(who: User) -> Client:
    client = Client()
    client.force_login(who)
    return client


def _post(path: str | Callable[[World], str], **data: Any) -> Callable[[World], Any]:
    """Send a form as an administrator; values may be functions of the world."""

    def act(w: World) -> Any:
        values = {name: value(w) if callable(value) else value for name, value in data.items()}
        answer = _client(w.root).post(path(w) if callable(path) else path, values)
        assert answer.status_code in {200, 302}, (answer.status_code, answer.content[:500])
        return answer

    return act


def _call(method: str, path: str | Callable[[World], str], body: Any = None) -> Callable[[World], Any]:
    """Send JSON as an administrator."""

    def act(w: World) -> Any:
        said = body(w) if callable(body) else body
        content = said if isinstance(said, bytes) else json.dumps(said)
        answer = _client(w.root).generic(method, path(w) if callable(path) else path, content, "application/json")
        assert answer.status_code in {200, 201}, (answer.status_code, answer.content[:500])
        return answer

    return act


def _ticket(w: World) -> str:
    return str(Ticket.of(w.doubted))


def _edit_many(w: World) -> Any:
    """Tag one account through the form for many, as an administrator who has looked at the preview."""
    client, address = _client(w.root), f"/accounts/bulk/?account={w.subject.pk}&preview=1&add_tags=new"
    digest = client.get(address).context["plan"].digest
    return client.post(address, {"digest": digest})


def _undo_many(w: World) -> Any:
    """Take the tag off again."""
    edit = bulk.start(bulk.plan(Account.objects.filter(pk=w.subject.pk), bulk.Wanted(add=["new"])), w.root)
    bulk.go_on(edit, w.root)
    return _post(f"/accounts/bulk/{edit.pk}/", undo="1")(w)


ADDRESSES: dict[str, Writer] = {
    "POST accounts:new": registry(
        _post("/accounts/new/", address="https://x.com/newcomer", organization="Parks"), "accounts"
    ),
    "POST accounts:edit": registry(
        _post(lambda w: f"/accounts/edit/{w.subject.pk}/", address="renamed", organization="Parks", is_active="on"),
        *NAMES,
    ),
    "POST accounts:switch": registry(
        _post(lambda w: f"/accounts/switch/{w.subject.pk}/", switch="active", on=""), *COUNTED
    ),
    "POST accounts:release": Writer(_post(lambda w: f"/accounts/release/{w.held.pk}/", answer="ours"), NOTHING),
    "POST accounts:import": Writer(_post("/accounts/import/", text=ROSTER.decode()), NOTHING),
    "POST accounts:roster": registry(_post(lambda w: f"/accounts/import/{w.draft.pk}/"), *OFFICES),
    "POST accounts:undo-import": registry(_post(lambda w: f"/accounts/import/{w.roster.pk}/undo/"), "accounts"),
    "POST snapshots:bulk": registry(_edit_many, "tags", "detail"),
    "POST snapshots:bulk-edit": registry(_undo_many, "tags", "detail"),
    "POST snapshots:past": figures(
        _post(
            "/figures/import/",
            file=lambda w: SimpleUploadedFile("p.csv", _past(w).encode()),
            **{"import": "1"},
        ),
        *EARLIER,
    ),
    "POST snapshots:undo-import": figures(_post(lambda w: f"/figures/import/{w.batch.pk}/undo/"), *EARLIER),
    "POST snapshots:new-note": noted(_post("/notes/new/", day=lambda w: w.today, text="Holiday")),
    "POST snapshots:note": noted(
        _post(lambda w: f"/notes/{w.note.pk}/", day=lambda w: w.today, text="New", seen=lambda w: seen(w.note))
    ),
    "POST snapshots:delete-note": noted(_post(lambda w: f"/notes/{w.note.pk}/delete/")),
    "POST snapshots:restore-note": noted(_post(lambda w: f"/notes/{w.gone.pk}/restore/")),
    "POST snapshots:judge": figures(_post("/figures/suspect/judge/", verdict="accept", figure=_ticket), "trend"),
    "POST snapshots:undo": thirds(_post(lambda w: f"/figures/suspect/undo/{w.judgement.pk}/")),
    "POST api:create_account": registry(
        _call("POST", "/api/accounts", {"address": "https://x.com/newcomer", "organization": "Parks"}), "accounts"
    ),
    "PATCH api:change_account": registry(
        _call("PATCH", "/api/accounts/x/subject", {"address": "renamed", "organization": "Parks"}),
        *NAMES,
    ),
    "DELETE api:deactivate_account": registry(_call("DELETE", "/api/accounts/x/subject"), *COUNTED, "detail"),
    "POST api:import_accounts": registry(_call("POST", "/api/import?commit=true", ROSTER), *OFFICES),
    "POST api:tag_accounts": registry(
        _call("POST", "/api/accounts/tags?commit=true", lambda w: {"account_keys": [w.subject.pk], "add": ["new"]}),
        "tags",
        "detail",
    ),
    "PATCH api:rename_tag": registry(_call("PATCH", "/api/tags/press", {"name": "media"}), "tags", "detail"),
    "DELETE api:delete_tag": registry(_call("DELETE", "/api/tags/press"), "tags", "detail"),
    "POST api:judge": figures(
        _call("POST", "/api/suspects/judge", lambda w: {"verdict": "accept", "tickets": [_ticket(w)]}), "trend"
    ),
    "POST api:undo": thirds(_call("POST", lambda w: f"/api/judgements/{w.judgement.pk}/undo")),
}


def _past(w: World) -> str:
    return f"platform,handle,date,followers\nx,subject,{w.ago(5)},5\n"


def _admin(model: str, page: str, **data: Any) -> Callable[[World], Any]:
    return _post(lambda w: f"/admin/{model}/{page.format(w=w)}", **data)


ADMIN: dict[str, Writer] = {
    "admin Account add": registry(
        _admin(
            "accounts/account",
            "add/",
            platform="x",
            handle="newcomer",
            organization=lambda w: w.parks.pk,
            is_active="on",
            **{f"former_handles-{n}_FORMS": 0 for n in ("TOTAL", "INITIAL")},
        ),
        "accounts",
    ),
    "admin Account change": registry(
        _admin(
            "accounts/account",
            "{w.subject.pk}/change/",
            handle="renamed",
            organization=lambda w: w.parks.pk,
            is_active="on",
            **{f"former_handles-{n}_FORMS": 0 for n in ("TOTAL", "INITIAL")},
        ),
        *NAMES,
    ),
    "admin Account delete": registry(_admin("accounts/account", "{w.held.pk}/delete/", post="yes"), "accounts"),
    "admin Account: activate": everywhere(
        _admin("accounts/account", "", action="activate", _selected_action=lambda w: w.idle.pk), *COUNTED
    ),
    "admin Account: deactivate": registry(
        _admin("accounts/account", "", action="deactivate", _selected_action=lambda w: w.subject.pk), *COUNTED
    ),
    "admin Account: accept_new_id": Writer(
        _admin("accounts/account", "", action="accept_new_id", _selected_action=lambda w: w.held.pk), NOTHING
    ),
    "admin Account: add_tags": registry(
        _admin("accounts/account", "", action="add_tags", tags="new", _selected_action=lambda w: w.subject.pk),
        "tags",
        "detail",
    ),
    "admin Account: remove_tags": registry(
        _admin("accounts/account", "", action="remove_tags", tags="press", _selected_action=lambda w: w.subject.pk),
        "tags",
        "detail",
    ),
    "admin Tag add": registry(_admin("accounts/tag", "add/", name="new"), "tags"),
    "admin Tag change": registry(
        _post(lambda w: f"/admin/accounts/tag/{press(w).pk}/change/", name="media"), "tags", "detail"
    ),
    "admin Tag delete": registry(
        _post(lambda w: f"/admin/accounts/tag/{press(w).pk}/delete/", post="yes"), "tags", "detail"
    ),
    "admin Organization add": Writer(_admin("accounts/organization", "add/", name="New"), NOTHING),
    "admin Organization change": everywhere(
        _admin("accounts/organization", "{w.office.pk}/change/", name="Renamed"), *OFFICES, "other detail"
    ),
    "admin Organization delete": Writer(_admin("accounts/organization", "{w.emptied.pk}/delete/", post="yes"), NOTHING),
    "admin Organization: merge": everywhere(
        _admin("accounts/organization", "", action="merge", into="Parks", _selected_action=lambda w: w.office.pk),
        *OFFICES,
    ),
    "admin Snapshot delete": figures(
        _post(lambda w: f"/admin/snapshots/snapshot/{latest(w).get().pk}/delete/", post="yes")
    ),
    "admin Note delete": noted(_post(lambda w: f"/admin/snapshots/note/{w.note.pk}/delete/", post="yes")),
    "admin Note: delete_selected": noted(
        _admin("snapshots/note", "", action="delete_selected", post="yes", _selected_action=lambda w: w.note.pk)
    ),
    "admin Snapshot: delete_selected": figures(
        _admin(
            "snapshots/snapshot",
            "",
            action="delete_selected",
            post="yes",
            _selected_action=lambda w: latest(w).get().pk,
        )
    ),
    "admin Snapshot: accept": figures(
        _admin("snapshots/snapshot", "", action="accept", _selected_action=lambda w: w.doubted.pk), "trend"
    ),
    "admin Snapshot: reject": figures(
        _admin("snapshots/snapshot", "", action="reject", _selected_action=lambda w: latest(w).get().pk)
    ),
}


# --- Commands and tasks --------------------------------------------------------------------------


def _file(content: bytes, ending: str) -> str:
    path = Path(tempfile.mkdtemp()) / f"given{ending}"
    path.write_bytes(content)
    return str(path)


def _predecessors(w: World) -> str:
    old = Old(Path(tempfile.mkdtemp()) / "social.db")
    old.account(1, "x", "subject")
    old.insert("fact_followers_snapshot", account_key=1, snapshot_date=str(w.ago(6)), followers_count=66)
    return str(old.path)


def _drifted(w: World) -> None:
    """Something wrote past the product, and rebuild_rollups puts right what hangs on it."""
    Snapshot._base_manager.filter(date=w.ago(1)).update(followers=1)
    call_command("rebuild_rollups", stdout=StringIO())


def _outcomes(*wanted: str) -> Callable[[World], Any]:
    """What a worker does with answers: `wanted` of the other account, then of the third."""

    def act(w: World) -> None:
        request(w.other, w.third)
        jobs = {job.account_id: job for platform in ("x", "flickr") for job in ledger.claim(platform, 5)}
        found = []
        for account, outcome in zip((w.other, w.third), wanted, strict=True):
            reading = Reading(followers=2_100) if outcome == "ok" else None
            found.append(Result(jobs[account.pk], outcome, [tried(outcome)], reading))
        assert settling.settle(found, "worker") == 2

    return act


SEEN = FIGURES - {"history", "trend"} | {"other history"}
UNSEEN = frozenset({"history", "accounts", "tags", "detail", "other detail"})
TASKS: dict[str, Writer] = {
    "scraping.tasks.gather_batches (done)": Writer(_outcomes("ok", "ok"), SEEN, UNSEEN),
    "scraping.tasks.gather_batches (partial)": Writer(_outcomes("ok", Missing.NOT_FOUND), SEEN, UNSEEN),
    "scraping.tasks.gather_batches (failed)": Writer(
        _outcomes(Trouble.TIMEOUT, Trouble.TIMEOUT), NOTHING, UNSEEN | SEEN - {"overview"}
    ),
}


def _command(name: str, given: Callable[[World], str] | None = None, **options: Any) -> Callable[[World], Any]:
    """Run a command silently, on the file that `given` makes."""

    def act(w: World) -> Any:
        files = [given(w)] if given else []
        return call_command(name, *files, stdout=StringIO(), stderr=StringIO(), **options)

    return act


COMMANDS: dict[str, Writer] = {
    "import_roster": registry(_command("import_roster", lambda w: _file(ROSTER, ".json")), *OFFICES),
    "import_figures": figures(_command("import_figures", lambda w: _file(_past(w).encode(), ".csv")), *EARLIER),
    "import_legacy": figures(_command("import_legacy", _predecessors), *EARLIER),
    "rebuild_rollups": everywhere(_drifted, "trend"),
    "seed": everywhere(_command("seed", accounts=3, days=3, yes=True), *COUNTED, "grid"),
    "forget_demo": everywhere(_command("forget_demo", yes=True), "grid"),
    "clear_cache": everywhere(_command("clear_cache")),
}

JOBS = "moves runs and jobs, which no cached answer shows; what they find is settled by gather_batches"
PEOPLE = "about people and their rights: tests/project/test_identities.py"
UNLISTED = "no list of work items shows it"
EXPORTS = "exports are files; no cached answer tells of them"
FRAMEWORK = "the framework's own, or says whether the product lives"
SILENT_ADDRESSES: dict[str, str] = {
    **dict.fromkeys(("api:api-root", "api:openapi-json", "api:openapi-view", "healthz", "readyz"), FRAMEWORK),
    **dict.fromkeys(
        ("login", "login-code", "logout", "sessions", "tokens", "token-revoke", "invitation", "invitations"), PEOPLE
    ),
    **{f"two-steps-{what}": PEOPLE for what in ("set-up", "codes", "off")},
    **{f"password_{what}": PEOPLE for what in ("change", "reset", "reset_done", "reset_confirm")},
    **{f"scraping:{name}": JOBS for name in ("new", "start", "retry-job", "retry", "steer", "resume-platform")},
    **dict.fromkeys(("snapshots:start-export", "snapshots:delete-export"), EXPORTS),
    **dict.fromkeys(("api:start_export", "api:delete_export"), EXPORTS),
    **dict.fromkeys(("workitems:documents", "workitems:delete-bundle", "workitems:document-again"), EXPORTS),
    **dict.fromkeys(("api:ask_bundle", "api:delete_bundle"), EXPORTS),
    "workitems:notices": "how somebody is told of items is not cached",
    "perf:explain": "plans of queries are not cached",
    "perf:beacon": "timings of pages are not cached",
    "scraping:alerts-mute": "alerts are not cached",
    **{f"api:{name}": JOBS for name in ("start", "cancel", "pause", "resume", "retry")},
    "workitems:claim": "who has an item open is read from its row alone",
}
SILENT_ADMIN = {
    **dict.fromkeys(("Group", "User", "AccessToken", "Invitation"), PEOPLE),
    **dict.fromkeys(("ScrapeJob", "ScrapeRun", "Attempt", "PermitBlock", "PlatformState"), JOBS),
    **dict.fromkeys(("AccessAttempt", "AccessLog", "AccessFailureLog"), "sign-ins, which axes counts"),
    **dict.fromkeys(("PresetNumber", "CannedReason", "Contact", "Notice", "Document"), UNLISTED),
}
SILENT_ERRANDS = {
    **dict.fromkeys((f"scraping.tasks.{name}" for name in ("plan", "sweep", "dispatch", "roll_up", "watch")), JOBS),
    **dict.fromkeys(
        (f"workitems.tasks.{name}" for name in ("keep_documents", "write_bundles", "expire_bundles")), EXPORTS
    ),
    "index_search": "makes indexes; no answer is another with them",
    "workitems.tasks.send_notices": "sends what is promised; no cached answer tells of it",
    "project.tasks.prune": "deletes what is over; no cached answer tells of it",
    "plant": "asks an address that is slow on purpose, in development alone",
    **dict.fromkeys((f"snapshots.tasks.{name}" for name in ("write_exports", "expire_exports")), EXPORTS),
    **dict.fromkeys(("scrape", "prune"), JOBS),
    **dict.fromkeys(("create_token", "sync_roles", "remove_second_step"), PEOPLE),
    "export_person": "writes a file alone",
    "erase_person": "empties the cache: tests/project/test_erasing.py",
    **dict.fromkeys(("benchmark", "fakeplatforms", "plan_capacity", "doctor", "backup"), "reads and tells"),
    "restore": "while nothing else runs; empties the cache: tests/project/backups",
    **dict.fromkeys(("assets", "migrate", "prepare"), "writes tables' shape and files alone"),
    "up": "starts the other processes; what it imports goes through import_roster and demo.seed_history",
}
