"""The outgoing edge: what it refuses to reach, by redirect, by name and by address."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from django.core.exceptions import ImproperlyConfigured

from scraping.connectors.base import Trouble
from scraping.fetch import Fetcher, is_public
from tests.scraping.fetch.conftest import HOST, HOSTS, Rebinding, direct, plain, redirect, trouble_of


@pytest.mark.parametrize("location", [f"/{HOST}/y", f"https://{HOST}/y", "y"])
def test_redirect_within_the_platform_is_followed(server, get, location):
    server.paths[f"/{HOST}/x"] = redirect(location)
    server.paths[f"/{HOST}/y"] = plain(b"there")
    assert get().body == b"there"


def test_redirect_to_another_allowed_host_drops_the_credential(server, get):
    server.paths[f"/{HOST}/x"] = redirect("https://other.example.org/y")
    server.paths["/other.example.org/y"] = plain(b"there")
    assert get(headers={"Authorization": "Bearer secret"}).body == b"there"
    assert "secret" in server.requests[0]
    assert "secret" not in server.requests[1]


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:{port}/",
        "https://127.0.0.2:{port}/",
        "https://127.0.0.2/",
        "//127.0.0.2:{port}/",
        "https://2130706434/",
        "https://0x7f000002/",
        "https://0177.0.0.2/",
        "https://[::ffff:127.0.0.2]/",
        "https://api.example.org@127.0.0.2/",
        "https://user:word@api.example.org/y",
        "https://api.example.org:8443/y",
        "http://api.example.org/y",
        "https://evil.example.org/y",
        "https://api.example.org\\@127.0.0.2/",
        "file:///etc/passwd",
        "https://[::1",
    ],
)
def test_redirect_elsewhere_is_never_followed(server, forbidden, get, location):
    server.paths[f"/{HOST}/x"] = redirect(location.format(port=forbidden.port))
    assert trouble_of(get) == Trouble.FORBIDDEN_ADDRESS
    assert forbidden.hits == 0
    assert server.hits == 1


def test_sixth_redirect_is_refused(server, get):
    server.paths[f"/{HOST}/x"] = redirect(f"https://{HOST}/x")
    assert trouble_of(get) == Trouble.REFUSED
    assert server.hits == 6


def test_redirected_post_is_refused(server, get):
    server.paths[f"/{HOST}/x"] = redirect(f"https://{HOST}/y")
    assert trouble_of(get, method="POST", body=b"{}") == Trouble.REFUSED
    assert server.hits == 1


# --- Addresses ---------------------------------------------------------------------------------


PRIVATE = [
    "127.0.0.1",
    "127.0.0.2",
    "0.0.0.0",  # noqa: S104 - an address to refuse, nothing binds it
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.2",
    "::ffff:127.0.0.2",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:2",
    "64:ff9b::a00:1",
    "64:ff9b:1::808:808",
    "2002:7f00:2::",
    "2002:a00:1::1",
    "2001:0:7f00:2::f7f7:f7f7",
    "2001:0:808:808::80ff:fffd",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00::1",
    "ff02::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_address_in_any_dress_is_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_address_stays_public(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("answer", [["127.0.0.2"], ["::ffff:127.0.0.2"], ["8.8.8.8", "127.0.0.2"], ["2002:7f00:2::"]])
def test_name_that_resolves_to_a_private_address_is_refused(forbidden, settings, answer):
    resolver = Rebinding(answer, port=forbidden.port)
    call = {"hosts": {"rebind.example.org"}, "resolver": resolver, "settings": settings}
    assert trouble_of(direct, "https://rebind.example.org/", **call) == Trouble.FORBIDDEN_ADDRESS
    assert (resolver.asked, forbidden.hits) == (1, 0)


@pytest.mark.parametrize("host", ["127.0.0.2", "[::ffff:127.0.0.2]", "[::1]"])
def test_allowed_literal_is_still_checked_at_connect(forbidden, settings, host):
    call = {"hosts": {host.strip("[]")}, "settings": settings}
    assert trouble_of(direct, f"https://{host}/", **call) == Trouble.FORBIDDEN_ADDRESS


@pytest.mark.parametrize("host", ["2130706434", "0x7f.0.0.2", "0177.0.0.2", "127.2", "localhost"])
def test_odd_spelling_of_a_loopback_address_is_refused_even_if_allowed(forbidden, settings, host):
    assert trouble_of(direct, f"https://{host}/", hosts={host}, settings=settings) == Trouble.FORBIDDEN_ADDRESS


@pytest.mark.parametrize(
    "url",
    ["https://api.example.org/\r\nX: y", "https://api.example.org/ü", "https://api.example.org/a b", "", "nonsense"],
)
def test_text_that_is_no_address_is_refused(settings, url):
    assert trouble_of(direct, url, hosts=HOSTS, settings=settings) == Trouble.FORBIDDEN_ADDRESS


def test_with_fakes_no_other_loopback_port_is_reachable(forbidden, settings, server):
    settings.FAKE_PLATFORMS_URL = f"http://127.0.0.1:{server.port}"
    fetcher = Fetcher()
    for address in (("127.0.0.2", forbidden.port), ("127.0.0.1", server.port + 1), ("8.8.8.8", 443)):
        with pytest.raises(OSError, match="fake platforms"):
            fetcher._open((socket.AF_INET, socket.SOCK_STREAM, 0, "", address))
    fetcher._open((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", server.port))).close()


@pytest.mark.parametrize("url", ["http://10.0.0.1:80", "https://127.0.0.1:1", "http://127.0.0.1", "http://localhost:1"])
def test_fakes_may_only_live_on_a_loopback_address(settings, url):
    settings.FAKE_PLATFORMS_URL = url
    with pytest.raises(ImproperlyConfigured):
        Fetcher()
