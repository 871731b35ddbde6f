"""The documented nginx before the real web server: TLS, addresses that cannot be claimed, large and slow requests."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from signal import SIGQUIT
from threading import Event, Thread

import pytest
from django.contrib.auth.models import User

from project import children
from project.embedded import free_port
from project.models import AuditEntry
from tests import processes

ROOT = Path(__file__).resolve().parents[2]
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
NAME, CLIENT = "tidemark.example.org", "127.0.0.5"
pytestmark = [
    pytest.mark.skipif(
        not (NGINX and shutil.which("openssl")), reason="NOT SHOWN HERE: no nginx (apt-get install nginx)"
    ),
    pytest.mark.django_db(transaction=True),
]


class Proxy:
    """nginx as documented, on other ports and with its own certificate, before `server` on the socket `address`."""

    server: processes.Process

    def __init__(self, folder: Path, address: processes.SocketUnit) -> None:
        self.address = address
        self.http, self.https = free_port(), free_port()
        text = (ROOT / "deploy/nginx.conf").read_text()
        for given, ours in {
            "listen 80;": f"listen 127.0.0.1:{self.http};",
            "listen 443 ssl": f"listen 127.0.0.1:{self.https} ssl",
            "127.0.0.1:8000": f"127.0.0.1:{address.port}",
            "/etc/tidemark/": f"{folder}/",
            "/var/log/nginx/": f"{folder}/",
        }.items():
            assert given in text
            text = text.replace(given, ours)
        subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
        key = ["-newkey", "rsa:2048", "-nodes", "-keyout", folder / "tls.key", "-out", folder / "tls.crt"]
        subprocess.run(["openssl", "req", "-x509", *key, *subject], check=True, capture_output=True)
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        main = f"daemon off; pid {folder}/pid; user root; events {{}} http {{ {temporary} {text} }}"
        (folder / "nginx.conf").write_text(main)
        with (folder / "log").open("wb") as log:
            command = [str(NGINX), "-e", "stderr", "-c", folder / "nginx.conf", "-p", folder]
            self.process = children.spawn(command, output=log)
        while not self._listens():
            assert self.process.poll() is None, (folder / "log").read_text()
            time.sleep(0.02)
        self.trust = ssl.create_default_context(cafile=folder / "tls.crt")

    def _listens(self) -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", self.https)) == 0

    def connect(self) -> ssl.SSLSocket:
        """A connection under TLS, its certificate checked."""
        plain = socket.create_connection(("127.0.0.1", self.https), timeout=20, source_address=(CLIENT, 0))
        return self.trust.wrap_socket(plain, server_hostname=NAME)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> HTTPResponse:
        """One request, and the head of its answer."""
        told = {"Host": NAME, "Content-Length": str(len(body)), "Connection": "close"} | headers
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items())
        connection = self.connect()
        connection.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        answer = HTTPResponse(connection, method=method)
        answer.begin()
        return answer


def start_behind(address: processes.SocketUnit) -> processes.Process:
    """A web server as its unit starts it behind a proxy, ready."""
    env = {"BASE_URL": f"https://{NAME}", "ALLOWED_HOSTS": NAME, "TRUSTED_PROXIES": "127.0.0.1"}
    return address.start([sys.executable, "-m", "project.web", "--workers", "1"], processes.environment(**env))


@pytest.fixture
def proxy(transactional_db: None, tmp_path: Path) -> Iterator[Proxy]:
    """nginx before a web server on a socket that outlives it."""
    address = processes.SocketUnit(tmp_path)
    server = start_behind(address)
    nginx = Proxy(tmp_path, address)
    nginx.server = server
    yield nginx
    children.stop(nginx.process)
    nginx.server.stop()
    address.close()


def test_proxy_keeps_what_the_product_promises(proxy: Proxy) -> None:
    """One walk: redirect, TLS and cookies, the true address of who fails to sign in, too much at once, who drips."""
    plain = HTTPConnection("127.0.0.1", proxy.http, timeout=20)
    plain.request("GET", "/login/", headers={"Host": NAME})
    moved = plain.getresponse()
    assert (moved.status, moved.headers["Location"]) == (301, f"https://{NAME}/login/")

    dripping = [proxy.connect() for _ in range(20)]
    for one in dripping:
        one.sendall(f"POST /login/ HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 1000\r\n\r\na".encode())
    page = proxy.ask("GET", "/login/")
    assert page.status == 200
    assert page.headers["Strict-Transport-Security"]
    assert "__Host-csrf" in page.headers["Set-Cookie"]
    cookie = page.headers["Set-Cookie"].partition(";")[0]

    User.objects.create_user("boss", password="right")
    form = f"username=boss&password=wrong&csrfmiddlewaretoken={cookie.partition('=')[2]}".encode()
    claims = {"X_Forwarded_For": "203.0.113.9", "X_Forwarded_Proto": "http", "Forwarded": "for=203.0.113.9"}
    kind = "application/x-www-form-urlencoded"
    tried = proxy.ask(
        "POST", "/login/", form, Cookie=cookie, Referer=f"https://{NAME}/login/", Content_Type=kind, **claims
    )
    assert tried.status == 200
    assert AuditEntry.objects.latest("pk").address == CLIENT

    too_much = proxy.connect()
    too_much.sendall(f"POST /login/ HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {200 * 2**20}\r\n\r\n".encode())
    assert b" 413 " in too_much.recv(100)
    for one in dripping:
        one.close()


def test_no_log_of_the_proxy_tells_a_code(proxy: Proxy, tmp_path: Path) -> None:
    reset = HTTPConnection("127.0.0.1", proxy.http, timeout=20)
    reset.request("GET", "/password/reset/MQ/live-token/", headers={"Host": NAME})
    assert reset.getresponse().status == 301
    assert proxy.ask("GET", "/static/x.css", Referer=f"https://{NAME}/invitation/live-code/").status == 404
    proxy.server.stop()
    proxy.address.close()
    assert proxy.ask("GET", "/invitation/live-code/").status == 502
    assert proxy.ask("GET", "/login/").status == 502
    told = (tmp_path / "access.log").read_text() + (tmp_path / "log").read_text()
    assert "live-" not in told
    lines = ("GET /password/reset/... ", "GET /invitation/... ", "GET /login/ ")
    assert [told.count(line) for line in lines] == [1, 1, 2]  # what failed elsewhere is told by the error log too


@pytest.mark.drill
def test_restarting_one_server_after_the_other_fails_no_request(proxy: Proxy) -> None:
    second, ended, told = start_behind(proxy.address), Event(), list[int]()

    def ask() -> None:
        while not ended.is_set():
            told.append(proxy.ask("GET", "/login/").status)
            told.append(proxy.ask("POST", "/login/", b"username=nobody").status)

    askers = [Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    try:
        assert proxy.server.stop(SIGQUIT) == 0
        proxy.server = start_behind(proxy.address)
        assert second.stop(SIGQUIT) == 0
        second = start_behind(proxy.address)
    finally:
        ended.set()
        for asker in askers:
            asker.join()
        second.stop()
    assert set(told) == {200, 403}  # a form without its token is refused, by the product
    assert len(told) > 50
