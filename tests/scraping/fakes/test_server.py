"""The fake platforms over HTTP: their caps, headers, meters and every fault, through the real connectors."""
# ruff: noqa: S310 - every address opened here is the fakes' own

from __future__ import annotations

import ast
import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest

from perf import clock
from scraping.connectors.base import Missing, Reading, Target, Trouble
from scraping.fakes import curves, server
from tests.scraping.asking import ask, trouble

BEARER = {"Authorization": "Bearer t"}


def test_x_refuses_the_101st_user_and_any_illegal_name(call):
    names = ",".join(f"user{n}" for n in range(101))
    assert call(f"api.x.com/2/users/by?usernames={names}", **BEARER)[0] == 400
    assert call("api.x.com/2/users/by?usernames=good,not-good", **BEARER)[0] == 400


def test_x_says_what_is_left_in_epoch_seconds(call):
    status, headers, data = call("api.x.com/2/users/by?usernames=a&user.fields=public_metrics", **BEARER)
    assert (status, headers["x-rate-limit-limit"], headers["x-rate-limit-remaining"]) == (200, "300", "299")
    assert 895 < int(headers["x-rate-limit-reset"]) - clock.now().timestamp() <= 901
    assert data["data"][0]["public_metrics"]["followers_count"] == curves.figures("x", "a", clock.today())["followers"]


def test_x_bills_a_user_once_a_day(fakes, call):
    for names in ("a,b", "b,c"):
        call(f"api.x.com/2/users/by?usernames={names}", **BEARER)
    assert call("_fake/served")[2]["dollars"] == {"x": 0.03}


def test_x_refuses_the_301st_call_until_the_window_ends(fakes, call):
    for _ in range(300):
        assert call("api.x.com/2/users/by?usernames=a", **BEARER)[0] == 200
    assert call("api.x.com/2/users/by?usernames=a", **BEARER)[0] == 429
    with clock.shifted(timedelta(seconds=901)):
        assert call("api.x.com/2/users/by?usernames=a", **BEARER)[0] == 200
    (row,) = fakes.served("x")
    assert (row["calls"], row["refused"], row["max_in_window"], len(row["times"])) == (301, 1, 301, 302)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("api.x.com/2/users/by?usernames=a", 401),
        ("www.googleapis.com/youtube/v3/channels?id=a", 400),
        ("graph.facebook.com/v25.0/hhs?fields=fan_count", 401),
        ("api.linkedin.com/rest/organizations?q=vanityName&vanityName=a", 401),
        ("unknown.example.org/", 502),
    ],
)
def test_call_without_a_credential_is_refused(call, path, status):
    assert call(path)[0] == status


@pytest.mark.parametrize("platform", ["x", "facebook"])
def test_account_the_fakes_know_by_id_alone_has_no_name(fakes, platform):
    """A fake that was restarted must not rename anybody."""
    answer = ask(platform, Target(1, "handle", curves.external_id(platform, "never asked by name")))["handle"]
    assert answer.followers > 0
    assert answer.handle == ""


def test_youtube_refuses_51_ids_and_charges_a_unit(fakes, call):
    ids = ",".join(f"UC{n:022d}" for n in range(51))
    assert call(f"www.googleapis.com/youtube/v3/channels?part=statistics&id={ids}&key=k")[0] == 400
    assert fakes.served("youtube")[0]["calls"] == 1


def test_youtube_has_no_items_key_when_nothing_is_found(call):
    data = call("www.googleapis.com/youtube/v3/channels?part=statistics&forHandle=@nosuch&key=k")[2]
    assert "items" not in data


def test_old_user_name_is_nobodys_handle(call):
    path = "www.googleapis.com/youtube/v3/channels?part=statistics&key=k"
    assert "items" not in call(f"{path}&forHandle=@USGOVHHS")[2]
    assert call(f"{path}&forUsername=USGOVHHS")[2]["items"][0]["id"] == curves.external_id("youtube", "usgovhhs")


def test_graph_refuses_a_batch_of_51_and_shows_percentages(call):
    def post(count):
        batch = json.dumps([{"method": "GET", "relative_url": "v25.0/hhs?fields=fan_count"}] * count)
        return call("graph.facebook.com/v25.0/", data=f"access_token=t&batch={batch}".encode())

    assert post(51)[0] == 400
    status, headers, data = post(50)
    assert (status, len(data), json.loads(headers["X-App-Usage"])["call_count"]) == (200, 50, 25)


def test_linkedin_insists_on_its_version_header(call):
    path = "api.linkedin.com/rest/organizations?q=vanityName&vanityName=a"
    assert call(path, **BEARER)[0] == 400
    assert call(path, **BEARER, LinkedIn_Version="202610")[0] == 200


def test_limit_can_be_scaled_for_a_benchmark(fakes):
    fakes.set(limits={"x": {"calls": 1, "seconds": 60, "kind": "fixed"}})
    assert isinstance(ask("x", "a")["a"], Reading)
    assert trouble(ask, "x", "a").trouble == Trouble.RATE_LIMITED
    assert fakes.served("x")[0]["window"]["calls"] == 1


def test_latency_is_waited_for(fakes):
    fakes.set(latency=[0.2, 0.3])
    started = clock.now()
    ask("x", "a")
    assert (clock.now() - started).total_seconds() >= 0.2


def test_unreadable_order_of_faults_changes_nothing(fakes):
    for wrong in ({"faults": [{"kind": "flood", "platform": "x"}]}, {"faults": [{"kind": "status"}]}, [1]):
        request = urllib.request.Request(f"{fakes.url}/_fake/faults", data=json.dumps(wrong).encode())
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=5)
    assert isinstance(ask("x", "a")["a"], Reading)


# --- Faults, as the connectors and the fetcher see them ---------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("status", 500, Trouble.SERVER_ERROR),
        ("status", 503, Trouble.SERVER_ERROR),
        ("dead_token", None, Trouble.DEAD_TOKEN),
        ("slow_headers", 10, Trouble.TIMEOUT),
        ("slow_body", 10, Trouble.TIMEOUT),
        ("reset", None, Trouble.CONNECTION),
        ("half_close", None, Trouble.CONNECTION),
        ("giant", None, Trouble.TOO_LARGE),
        ("gzip_bomb", None, Trouble.TOO_LARGE),
        ("redirect", None, Trouble.FORBIDDEN_ADDRESS),
        ("redirect", "https://127.0.0.2/", Trouble.FORBIDDEN_ADDRESS),
        ("budget_spent", None, Trouble.NO_CREDITS),
        ("budget_spent", "usage-capped", Trouble.NO_CREDITS),
    ],
)
def test_fault_of_a_call_is_named(fakes, kind, value, expected):
    fakes.fault(kind, "x", value=value)
    assert trouble(ask, "x", "a").trouble == expected


PLATFORMS = [
    "x",
    "youtube",
    "facebook",
    "instagram",
    "linkedin",
    "truth_social",
    "flickr",
    "bluesky",
    "mastodon",
    "github",
]
HANDLES = {"bluesky": "account.bsky.social", "mastodon": "account@example.org"}
OWN_TOKENS = {
    "mastodon",
    "tiktok",
}  # a refused token there is a matter of one server or account, not of the whole platform


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("rate_limit", 30, Trouble.RATE_LIMITED),
        ("dead_token", None, Trouble.DEAD_TOKEN),
        ("challenge", None, Missing.BLOCKED),
        ("invalid_json", None, {Missing.UNPARSABLE, Missing.BLOCKED}),
        ("truncated", None, {Missing.UNPARSABLE, Missing.BLOCKED}),
        ("drift", None, Missing.UNPARSABLE),
        ("nan", None, {Missing.UNPARSABLE}),
        ("huge_number", None, {Missing.UNPARSABLE}),
    ],
)
def test_every_platform_fails_in_its_own_words(fakes, platform, kind, value, expected):
    fakes.fault(kind, platform, value=value)
    handle = HANDLES.get(platform, "account")
    target = Target(1, handle, url="https://www.youtube.com/@account" if platform == "youtube" else "")
    if kind == "dead_token" and platform in OWN_TOKENS:
        expected = Missing.WANTS_TOKEN
    if (kind, platform) == ("dead_token", "flickr"):
        expected = Missing.BLOCKED  # pages have no token that could be dead
    if isinstance(expected, Trouble):
        assert trouble(ask, platform, target).trouble == expected
    else:
        answer = ask(platform, target)[handle]
        assert answer in (expected if isinstance(expected, set) else {expected})


@pytest.mark.parametrize(
    ("form", "seconds"), [(45, 45), ("date", 30), ("past", None), ("zero", None), ("garbage", None), ("none", None)]
)
def test_each_form_of_retry_after_is_read(fakes, form, seconds):
    fakes.fault("rate_limit", "x", value=form)
    waited = trouble(ask, "x", "a").retry_after
    assert waited == (None if seconds is None else pytest.approx(seconds, abs=2))


def test_fault_on_one_platform_leaves_the_others(fakes):
    fakes.fault("status", "x", value=500)
    assert isinstance(ask("truth_social", "a")["a"], Reading)


def test_reset_ends_every_fault(fakes):
    fakes.fault("status", "x", value=500)
    fakes.set(reset=True)
    assert isinstance(ask("x", "a")["a"], Reading)


def test_reassigned_handle_leads_to_another_id_and_figure(fakes):
    before = ask("x", "a")["a"]
    fakes.fault("reassigned", "x", "a")
    after = ask("x", "a")["a"]
    assert before.external_id != after.external_id
    assert ask("x", Target(1, "a", before.external_id)) == {"a": Missing.REASSIGNED}


def test_renamed_account_keeps_its_id(fakes):
    known = ask("linkedin", "page")["page"].external_id
    fakes.fault("renamed", "linkedin", "page")
    assert ask("linkedin", "page") == {"page": Missing.NOT_FOUND}
    assert isinstance(ask("linkedin", Target(1, "page", known))["page"], Reading)


def test_figures_move_with_the_day(fakes):
    today = ask("x", "a")["a"].followers
    with clock.shifted(timedelta(days=30)):
        assert ask("x", "a")["a"].followers == curves.figures("x", "a", clock.today())["followers"] != today


# --- Starting ---------------------------------------------------------------------------------------


def test_taken_port_is_an_error_of_the_caller():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        server.start(taken.getsockname()[1])


def test_command_prints_its_address_serves_and_ends_on_a_signal():
    command = [sys.executable, "manage.py", "fakeplatforms", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().split()[-1]
        with urllib.request.urlopen(f"{url}/_fake/served", timeout=5) as answer:
            assert json.load(answer)["served"] == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_fakes_import_no_connector():
    for module in Path(server.__file__).parent.glob("*.py"):
        tree = ast.parse(module.read_text())
        froms = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        assert not [name for name in froms + names if name.startswith(("scraping.connectors", "scraping.fetch"))]
