"""Flickr: the model exported by a profile page, in both shapes."""

from __future__ import annotations

import json

import pytest

from scraping.connectors.base import Missing, Reading, Target, Trouble
from scraping.connectors.flickr import Flickr
from tests.scraping.asking import ask, batch_of, read, trouble

CONNECTOR = Flickr()


def page(contacts, profile=None):
    models = {"person-contacts-count-models": [contacts], "person-profile-models": [profile or {}]}
    export = json.dumps({"main": models, "legend": [["a"]]})
    return f"<html><script>Y.ClientApp.init({{auth: x,\n modelExport: {export},\n other: 1}});</script>".encode()


@pytest.mark.parametrize("nested", [False, True])
def test_both_shapes_are_read(nested):
    contacts, profile = {"followerCount": 5_321}, {"photoCount": 812, "id": "44494372@N05"}
    body = page({"data": contacts}, {"data": profile}) if nested else page(contacts, profile)
    assert read(CONNECTOR, ["hhsgov"], body)["hhsgov"] == Reading(
        followers=5_321, posts=812, external_id="44494372@N05"
    )


def test_shortened_count_is_flagged():
    answer = read(CONNECTOR, ["a"], page({"followerCount": "1.2K"}))["a"]
    assert (answer.followers, answer.followers_rounded, answer.posts) == (1_200, True, None)


def test_withheld_count_is_hidden():
    assert read(CONNECTOR, ["a"], page({"followerCount": None})) == {"a": Missing.HIDDEN}


@pytest.mark.parametrize("body", [b"please log in", b"", b"<html>Sign in</html>"])
def test_page_without_a_model_is_blocked(body):
    assert read(CONNECTOR, ["nasa"], body) == {"nasa": Missing.BLOCKED}


@pytest.mark.parametrize(
    "body",
    [
        b"modelExport: {",
        b'modelExport: {"main": NaN}',
        b"modelExport: " + b'{"a":' * 100_000,
        page({"followers": 3}),
        page({"followerCount": -3}),
        page({"followerCount": True}),
        page([]),
        b'modelExport: {"main": {"person-contacts-count-models": {"0": {"followerCount": 5}}}}',
        b'modelExport: {"main": {"person-contacts-count-models": [{"followerCount": 1e999}]}}',
    ],
)
def test_model_without_a_certain_count_is_unparsable(body):
    assert read(CONNECTOR, ["nasa"], body) == {"nasa": Missing.UNPARSABLE}


@pytest.mark.parametrize(
    ("status", "answer"),
    [(404, Missing.NOT_FOUND), (410, Missing.NOT_FOUND), (403, Missing.BLOCKED), (401, Missing.BLOCKED)],
)
def test_refused_page_is_named(status, answer):
    assert read(CONNECTOR, ["nasa"], b"<html>", status) == {"nasa": answer}


def test_failing_site_is_a_server_error():
    assert trouble(read, CONNECTOR, ["nasa"], b"", 502).trouble == Trouble.SERVER_ERROR


def test_handle_stays_one_part_of_the_path():
    request = CONNECTOR.request(batch_of(CONNECTOR, Target(1, "a/../b?c#d")), "")
    assert request.url == "https://www.flickr.com/photos/a%2F..%2Fb%3Fc%23d/"


def test_known_id_is_asked_instead_of_the_name(fakes):
    learned = ask("flickr", "hhsgov")["hhsgov"]
    assert ask("flickr", Target(1, "hhsgov", learned.external_id))["hhsgov"] == learned
