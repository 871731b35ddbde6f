"""The only code that opens a socket outwards: allow-listed hosts, checked addresses, hard deadlines, capped bodies."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
import zlib
from collections.abc import Collection
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http_exceptions import HttpProcessingError
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from yarl import URL

from perf.recording import record
from scraping.connectors.base import CallFailed, Request, Response, Trouble
from scraping.outcomes import OK

DEADLINE = 20.0  # seconds for everything: connecting, headers, body, redirects
MAX_BODY = 2 * 1024 * 1024  # bytes after decoding
MAX_REDIRECTS = 5
USER_AGENT = "Tidemark/0.1"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
NO_ADDRESS = (ValueError, IndexError)  # what yarl raises for text that is none, such as "https://]%00[%00@"
ELSEWHERE = "(elsewhere)"  # calls to no platform: webhooks and senders of messages

CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization", "x-goog-api-key"})  # headers for one host

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_ISATAP = {0x0000_5EFE, 0x0200_5EFE}  # the upper half of an interface's id, before an IPv4 address (RFC 5214)
_UNICAST = ipaddress.ip_network("2000::/3")  # all of IPv6 that anybody on the internet has
_RESERVED = [  # what older Pythons call global all the same. Source: IANA's special-purpose address registries
    ipaddress.ip_network(one) for one in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3ffe::/16", "3fff::/20")
]
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Forbidden(OSError):
    """An address we never connect to."""


def is_public(address: _Address) -> bool:
    """Whether a packet to `address` stays on the public internet.

    `is_global` alone lets wrapped private addresses through (IPv4-mapped and -compatible, NAT64, 6to4, Teredo,
    ISATAP): every IPv4 address inside has to be public too.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if not all(is_public(inner) for inner in _wrapped(address)):
            return False
        if address.ipv4_mapped or address in _NAT64:
            return True
        if address not in _UNICAST:
            return False
    if any(address in network for network in _RESERVED):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _wrapped(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that a packet to `address` may end at; none for a plain IPv6 address."""
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64 or int(address) >> 32 == 0 or (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return [inner for inner in found if inner is not None]


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only. A name with any other address is refused whole."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for result in found:
            _refuse_private(result["host"])
        return found

    async def close(self) -> None:
        await self._inner.close()


def _refuse_private(address: str) -> None:
    """Raise Forbidden, without the address: people who may name a host are not told what our network calls it."""
    if not is_public(ipaddress.ip_address(address.partition("%")[0])):
        raise Forbidden("it leads to an address that is not on the public internet")


class Fakes:
    """The one loopback origin that stands for every platform while FAKE_PLATFORMS_URL is set.

    `https://host/path` becomes `<origin>/host/path`; nothing else about a call changes.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        try:
            self.address = ipaddress.ip_address(parts.hostname or "")
            self.port = parts.port or 0
        except ValueError as error:
            raise ImproperlyConfigured(f"FAKE_PLATFORMS_URL must be http://127.0.0.1:PORT, not {url!r}.") from error
        if parts.scheme != "http" or not self.address.is_loopback or not self.port or parts.path.strip("/"):
            raise ImproperlyConfigured(f"FAKE_PLATFORMS_URL must be http://127.0.0.1:PORT, not {url!r}.")
        self.origin = URL(f"http://{parts.netloc}")

    def is_at(self, address: str, port: int) -> bool:
        """Whether `address` and `port` are this very origin."""
        return address == str(self.address) and port == self.port

    def outward(self, url: URL) -> URL:
        """Where a call to the platform's `url` really goes."""
        return URL(f"{self.origin}/{url.raw_host}{url.raw_path_qs}", encoded=True)

    def platform_url(self, url: URL) -> URL:
        """The platform's own address for `url`, when that lies on the fakes' origin."""
        if url.origin() != self.origin:
            return url
        return URL(f"https://{url.raw_path_qs.lstrip('/')}", encoded=True)


class Fetcher:
    """Makes calls for connectors: `async with Fetcher() as fetcher: await fetcher.fetch(request, hosts=…)`.

    At most `concurrency` calls are in flight. Cookies are never kept, the environment's proxies never used.
    """

    def __init__(
        self, concurrency: int = 100, *, deadline: float = DEADLINE, resolver: AbstractResolver | None = None
    ) -> None:
        self._gate = asyncio.Semaphore(concurrency)
        self._concurrency = concurrency
        self._deadline = deadline
        self._resolver = resolver
        self._fakes = Fakes(settings.FAKE_PLATFORMS_URL) if settings.FAKE_PLATFORMS_URL else None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit=self._concurrency,
            resolver=PublicResolver(self._resolver or aiohttp.ThreadedResolver()),
            use_dns_cache=self._resolver is None,
            socket_factory=self._open,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),  # one deadline around the whole call instead
            middlewares=(_never_twice,),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def fetch(self, request: Request, *, hosts: Collection[str], platform: str = ELSEWHERE) -> Response:
        """Make one call to one of `hosts` and answer what came, whatever its status.

        How long it took and what came of it is recorded under `platform`. Raises CallFailed with the trouble:
        forbidden_address, timeout, connection, too_large or refused (redirects).
        """
        async with self._gate:
            started, outcome = time.perf_counter(), Trouble.DEADLINE.value  # unless it ends before who waits gives up
            try:
                answer = await self._answer(request, frozenset(hosts), started)
                outcome = outcome_of(answer.status)
                return answer
            except CallFailed as failed:
                outcome = failed.trouble.value
                raise
            finally:
                record("outgoing", time.perf_counter() - started, platform=platform, outcome=outcome)

    async def _answer(self, request: Request, hosts: frozenset[str], started: float) -> Response:
        """The same within the deadline, every failure a CallFailed."""
        try:
            async with asyncio.timeout(self._deadline):
                return await self._follow(request, hosts, started)
        except TimeoutError as error:
            raise CallFailed(Trouble.TIMEOUT, f"no complete answer within {self._deadline:g} s") from error
        except (aiohttp.ClientError, HttpProcessingError, OSError, zlib.error) as error:
            raise _failure(error) from error

    async def _follow(self, request: Request, hosts: frozenset[str], started: float) -> Response:
        """The answer at the end of at most MAX_REDIRECTS redirects, each checked like the first address."""
        query = f"?{urlencode(request.params)}" if request.params else ""
        url = checked_url(request.url + query, hosts)
        headers = dict(request.headers)
        for _ in range(MAX_REDIRECTS + 1):
            target = self._fakes.outward(url) if self._fakes else url
            async with self._started_session.request(
                request.method, target, headers=headers, data=request.body, allow_redirects=False
            ) as answer:
                location = answer.headers.get("Location", "")
                if answer.status not in REDIRECTS or not location:
                    body = await _read(answer)
                    lowered = {name.lower(): value for name, value in answer.headers.items()}
                    return Response(answer.status, lowered, body, time.perf_counter() - started)
            if request.method != "GET":
                raise CallFailed(Trouble.REFUSED, "a redirect in answer to a POST")
            onward = checked_url(self._redirect(target, location), hosts)
            if onward.host != url.host:  # a credential belongs to the host it was made for
                headers = {name: value for name, value in headers.items() if name.lower() not in CREDENTIALS}
            url = onward
        raise CallFailed(Trouble.REFUSED, f"more than {MAX_REDIRECTS} redirects")

    def _redirect(self, asked: URL, location: str) -> str:
        try:
            onward = asked.join(URL(location))
            return str(self._fakes.platform_url(onward) if self._fakes and onward.absolute else onward)
        except NO_ADDRESS as error:
            raise CallFailed(Trouble.FORBIDDEN_ADDRESS, "a redirect to something that is no address") from error

    @property
    def _started_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("use the fetcher in `async with`")
        return self._session

    def _open(self, info: Any) -> socket.socket:
        """A socket for the very address about to be connected to; nothing resolves it again after this check."""
        family, kind, protocol, _, address = info
        if not (self._fakes and self._fakes.is_at(address[0], address[1])):
            if self._fakes:
                raise Forbidden("it is not the fake platforms")
            _refuse_private(address[0])
        return socket.socket(family, kind, protocol)


async def _never_twice(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Name a lost connection by the one error that aiohttp does not answer with the same request once more.

    The platform may have counted the first: one permit is one request.
    """
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(type(error).__name__) from error


def outcome_of(status: int) -> str:
    """What an HTTP status says of a call as a whole: ok, or the trouble it stands for."""
    if status < 400:
        return OK
    if status == 429:
        return Trouble.RATE_LIMITED.value
    return Trouble.SERVER_ERROR.value if status >= 500 else Trouble.REFUSED.value


def own_host(url: str) -> frozenset[str]:
    """The host of `url` as the one that a call to it may reach; none where it is no address."""
    try:
        return frozenset({(URL(url, encoded=True).raw_host or "").lower()})
    except NO_ADDRESS:
        return frozenset()


def checked_url(raw: str, hosts: Collection[str]) -> URL:
    """`raw` as a URL, if it is plain https to one of `hosts`; raises CallFailed(forbidden_address) otherwise."""
    if not (raw.isascii() and raw.isprintable() and " " not in raw):
        raise CallFailed(Trouble.FORBIDDEN_ADDRESS, "an address with characters that have to be encoded")
    try:
        url = URL(raw, encoded=True)
        port, host = url.explicit_port, (url.raw_host or "").lower()
    except NO_ADDRESS as error:
        raise CallFailed(Trouble.FORBIDDEN_ADDRESS, "not an address") from error
    if url.scheme != "https":
        raise CallFailed(Trouble.FORBIDDEN_ADDRESS, "only https is followed")
    if url.user is not None or url.password is not None:
        raise CallFailed(Trouble.FORBIDDEN_ADDRESS, "an address with a user name or password in it")
    if port not in {None, 443}:
        raise CallFailed(Trouble.FORBIDDEN_ADDRESS, f"port {port}")
    if _is_odd_number(host):
        raise CallFailed(Trouble.FORBIDDEN_ADDRESS, f"{host[:100]} is a number in an odd spelling")
    if _is_private_number(host):
        raise CallFailed(Trouble.FORBIDDEN_ADDRESS, f"{host[:100]} is not on the public internet")
    if not host or host not in hosts:
        raise CallFailed(Trouble.FORBIDDEN_ADDRESS, f"{host[:100]} is not a host of this platform")
    return url.with_fragment(None)


def _is_odd_number(host: str) -> bool:
    """Whether `host` is an IPv4 address as only the C library reads it: decimal, octal, hexadecimal or shortened."""
    last = host.rstrip(".").rpartition(".")[2]
    return (last.isdigit() or last.startswith("0x")) and _number(host) is None


def _is_private_number(host: str) -> bool:
    address = _number(host)
    return address is not None and not is_public(address)


def _number(host: str) -> _Address | None:
    """The address that `host` is, or None where it is a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The decoded body, counted while it streams so that neither a long body nor a bomb fills memory.

    What comes over the wire counts too: behind the end of a compressed body zlib keeps whatever follows.
    """
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip"}:
        raise CallFailed(Trouble.CONNECTION, f"encoded as {encoding[:40]!r}, which was not asked for")
    gunzip = None if encoding == "identity" else zlib.decompressobj(wbits=31)
    body, received = bytearray(), 0
    async for chunk in answer.content.iter_any():
        received += len(chunk)
        room = MAX_BODY + 1 - len(body)  # never 0, which zlib takes for "no limit"
        body += gunzip.decompress(chunk, room) if gunzip else chunk[:room]
        if max(received, len(body)) > MAX_BODY:
            raise CallFailed(Trouble.TOO_LARGE, f"more than {MAX_BODY} bytes")
    if gunzip and received and (not gunzip.eof or gunzip.unused_data.strip(b"\0")):
        raise CallFailed(Trouble.CONNECTION, "a compressed body that does not end where it should")
    return bytes(body)


def _failure(error: Exception) -> CallFailed:
    """The named trouble behind `error` or whatever caused it; the detail names no address of ours."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Forbidden):
            return CallFailed(Trouble.FORBIDDEN_ADDRESS, str(cause))
        cause = cause.__cause__ or cause.__context__
    return CallFailed(Trouble.CONNECTION, type(error).__name__)
