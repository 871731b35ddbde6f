"""Compresses answers that gain by it, without giving their secrets away by their length."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.text import compress_sequence, compress_string

try:
    import brotli
except ModuleNotFoundError:  # a project without it has gzip
    brotli = None

BYTES_MIN = 200  # below, headers cost what compression saves
BROTLI_QUALITY = 5
PRESSED_QUALITY = 11  # off the request path
PRESSED_MAX = 262_144  # bytes; above, the best quality takes seconds for a per cent
FLUSH_BYTES = 65_536  # of a stream, before what has gathered is sent
PADDING_MAX = 100  # random bytes in the gzip header of a page

COMPRESSIBLE = frozenset(
    {
        "application/javascript",
        "application/json",
        "application/problem+json",
        "application/x-ndjson",
        "application/xml",
        "image/svg+xml",
    }
)
PAGE = "text/html"
SHOWS_NO_SECRET = "shows_no_secret"  # an attribute of answers that may be compressed though they are no-store
View = Callable[..., HttpResponseBase]


class CompressionMiddleware:
    """Compresses text and JSON of BYTES_MIN and more by brotli or gzip, as the client accepts.

    BREACH: who can make a browser ask for a page with chosen text and see the compressed lengths can guess secrets in
    it. HTML is therefore never sent as brotli but as gzip with up to PADDING_MAX random bytes in its header, and the
    CSRF tokens in it are masked anew for each request by Django; pages marked no-store (they show a secret once) are
    not compressed at all, but for those of `shows_no_secret`. JSON holds no secrets of the asking session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not _gains(response):
            return response
        patch_vary_headers(response, ("Accept-Encoding",))
        encoding = encoding_for(request.headers.get("Accept-Encoding", ""), is_page=_content_type(response) == PAGE)
        if encoding and _compressed(response, encoding):
            response["Content-Encoding"] = encoding
            if response.headers.get("ETag", "").startswith('"'):  # other bytes, the same meaning
                response["ETag"] = f"W/{response['ETag']}"
        return response


def shows_no_secret(view: View) -> View:
    """Let the answers of `view` be compressed as other pages are: no-store keeps them fresh, and hides nothing."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(*args, **kwargs)
        setattr(response, SHOWS_NO_SECRET, True)
        return response

    return answer


def pressed(value: bytes) -> tuple[bytes, bytes]:
    """`value` by gzip and by brotli, as small as can be; empty where it is too short or does not get smaller."""
    if len(value) < BYTES_MIN:
        return b"", b""
    quality = PRESSED_QUALITY if len(value) <= PRESSED_MAX else BROTLI_QUALITY
    smaller = gzip.compress(value, compresslevel=9, mtime=0), brotli and bytes(brotli.compress(value, quality=quality))
    by_gzip, by_brotli = (body if body and len(body) < len(value) else b"" for body in smaller)
    return by_gzip, by_brotli


def etag_header(digest: str, encoding: str) -> str:
    """The ETag of an answer: weak where it is encoded, for those are other bytes of the same meaning."""
    return f'W/"{digest}"' if encoding else f'"{digest}"'


def encoding_for(accepted: str, *, is_page: bool = False) -> str:
    """The best encoding in an Accept-Encoding header that we make; empty for none. A page is never sent as brotli."""
    qualities = dict(_qualities(accepted))
    anything = qualities.get("*", 0.0)
    for encoding in ("gzip",) if is_page or brotli is None else ("br", "gzip"):
        if qualities.get(encoding, anything) > 0:
            return encoding
    return ""


def _gains(response: HttpResponseBase) -> bool:
    """Whether `response` is worth compressing and may be."""
    control = response.headers.get("Cache-Control", "")
    if response.has_header("Content-Encoding") or "no-transform" in control:
        return False
    is_harmless = response.streaming or hasattr(response, SHOWS_NO_SECRET)  # a stream is a file that is saved
    if "no-store" in control and not is_harmless:
        return False
    kind = _content_type(response)
    if not (kind.startswith("text/") or kind in COMPRESSIBLE):
        return False
    if response.streaming:
        return not cast(StreamingHttpResponse, response).is_async
    return len(cast(HttpResponse, response).content) >= BYTES_MIN


def _content_type(response: HttpResponseBase) -> str:
    return str(response.headers.get("Content-Type", "")).partition(";")[0].strip().lower()


def _qualities(accepted: str) -> Iterator[tuple[str, float]]:
    for part in accepted.lower().split(","):
        name, _, parameter = part.partition(";")
        quality = parameter.strip().removeprefix("q=").strip()
        try:
            yield name.strip(), float(quality) if quality else 1.0
        except ValueError:
            yield name.strip(), 0.0


def _compressed(response: HttpResponseBase, encoding: str) -> bool:
    """Replace the body by its compressed form; False where that would not be smaller."""
    if response.streaming:
        streamed = cast(StreamingHttpResponse, response)
        parts = cast(Iterable[bytes], streamed.streaming_content)
        streamed.streaming_content = _brotli_parts(parts) if encoding == "br" else compress_sequence(parts)
        del response["Content-Length"]
        return True
    whole = cast(HttpResponse, response)
    body = _body(whole.content, encoding, is_page=_content_type(response) == PAGE)
    if len(body) >= len(whole.content):
        return False
    whole.content = body
    response["Content-Length"] = str(len(body))
    return True


def _body(content: bytes, encoding: str, *, is_page: bool) -> bytes:
    if encoding == "br":
        return bytes(brotli.compress(content, quality=BROTLI_QUALITY))
    if is_page:
        return compress_string(content, max_random_bytes=PADDING_MAX)
    return gzip.compress(content, mtime=0)


def _brotli_parts(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Compress a stream as it comes: brotli alone would hold megabytes back before the first byte leaves."""
    compressor, held = brotli.Compressor(quality=BROTLI_QUALITY), 0
    for part in parts:
        out, held = compressor.process(part), held + len(part)
        if held >= FLUSH_BYTES:
            out, held = out + compressor.flush(), 0
        if out:
            yield bytes(out)
    yield bytes(compressor.finish())
