"""What all answers of the API have in common: the page, the refusal, and what the OpenAPI document says of both."""

from __future__ import annotations

from typing import Any

from ninja import Schema
from pydantic import Field

Document = dict[str, Any]


class Refusal(Schema):
    """Why there is no answer, as a sentence; `fields` where parameters or the body are wrong, and how."""

    error: str
    fields: dict[str, list[str]] = Field({}, description="What is wrong, by parameter; `query` or `body`: of several.")


class Page(Schema):
    """The envelope of every page. `next` is the cursor for `after`; it is absent on the last page."""

    total: int
    page: int
    per_page: int
    pages: int
    total_is_lower_bound: bool = Field(False, description="There are more than `total`; absent where it is exact.")
    next: str = ""


def _header(description: str, kind: str = "string") -> Document:
    return {"description": description, "schema": {"type": kind}}


HEADERS = {
    "RateLimit-Limit": _header("How many requests of this kind one person may make in the period.", "integer"),
    "RateLimit-Remaining": _header("How many of them are left.", "integer"),
    "RateLimit-Reset": _header("Seconds until all of them are there again.", "integer"),
    "RateLimit-Policy": _header("The limit and its period in seconds, as 600;w=60."),
}
"""What a counted answer tells of its rate. Anonymous requests, and all where the counter is away, go without."""

RETRY_AFTER = {"Retry-After": _header("Seconds to wait.", "integer") | {"required": True}}
CHALLENGE = {"WWW-Authenticate": _header("The scheme to sign in with.") | {"required": True}}
VALIDATORS = {
    "ETag": _header("Send it back as If-None-Match: an unchanged answer is then 304 without a body."),
    "X-Cache": _header("HIT from the cache, MISS computed, STALE while another request computes."),
}
LOCATION = {"Location": _header("The same under the account's present handle.") | {"required": True}}

WRONG, UNKNOWN, LARGE = "BadRequest", "NotFound", "ContentTooLarge"
EVERYWHERE = {401: "Unauthorized", 403: "Forbidden", 429: "TooManyRequests", 503: "ServiceUnavailable"}


def _refusal(description: str, headers: Document | None = None) -> Document:
    schema = {"$ref": "#/components/schemas/Refusal"}
    return {"description": description, "headers": headers or {}, "content": {"application/json": {"schema": schema}}}


RESPONSES = {
    WRONG: _refusal("A parameter or the body is wrong; nothing was done.", HEADERS),
    "Unauthorized": _refusal("Neither a session nor a valid token.", CHALLENGE),
    "Forbidden": _refusal("The role or the token's scope does not allow it, or a session's CSRF token is missing."),
    UNKNOWN: _refusal("There is nothing at this address, or nothing that you may see.", HEADERS),
    LARGE: _refusal("The body is larger than is read; nothing was done.", HEADERS),
    "TooManyRequests": _refusal("The rate is used up; nothing was done.", HEADERS | RETRY_AFTER),
    "ServiceUnavailable": _refusal("The database does not answer. Send it again in a few seconds.", RETRY_AFTER),
    "NotModified": {"description": "What If-None-Match names is still so.", "headers": HEADERS | VALIDATORS},
    "Moved": {"description": "The account has another handle now.", "headers": HEADERS | LOCATION},
}
"""What operations refer to instead of each saying it again."""


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/responses/{name}"}


CONDITIONAL: Document = {"responses": {304: _ref("NotModified")}}
"""`openapi_extra` of an operation that answers from the cache (cached_view)."""

MOVES: Document = {"responses": {301: _ref("Moved")}}
MOVES_KEEPING_THE_METHOD: Document = {"responses": {308: _ref("Moved")}}
"""`openapi_extra` of an operation that leads from a former handle to the present one: a read, and a write."""

CONDITIONAL_MOVES: Document = {"responses": CONDITIONAL["responses"] | MOVES["responses"]}

TEXT: Document = {"type": "string"}


def sends_file(contents: dict[str, Document], *, status: int = 200, description: str = "The file.") -> Document:
    """`openapi_extra` of an operation that sends a file: `contents` has the schema of each content type it may be."""
    content = {name: {"schema": schema} for name, schema in contents.items()}
    return {"responses": {status: {"description": description, "content": content}}}


def sends_file_from_anywhere(contents: dict[str, Document]) -> Document:
    """The same for a file of which a part may be asked for: see perf.downloads."""
    found = sends_file(contents)
    part = sends_file(dict.fromkeys(contents, TEXT), description="The bytes that were asked for.")["responses"][200]
    headers = {"Content-Range": _header("Which bytes, and of how many.") | {"required": True}}
    found["responses"][206] = part | {"headers": headers}
    asked = {"Range": "From which byte on, as bytes=1000-.", "If-Range": "The first answer's ETag."}
    found["parameters"] = [
        {"in": "header", "name": name, "schema": TEXT, "description": words} for name, words in asked.items()
    ]
    return found


SECURITY_SCHEMES = {
    "Token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token, made on the page “Access tokens”. It may do its scope's part of your rights.",
    },
    "Session": {
        "type": "apiKey",
        "in": "cookie",
        "description": "A signed-in browser. What writes needs the header X-CSRFToken as well.",
    },
}


def complete(document: Document, *, session_cookie: str) -> None:
    """Add to what django-ninja knows of the operations what holds for all of them.

    Both ways to sign in; the refusals that may meet any request; 400 where something is asked, 404 where an address
    names something, 413 where there is a body; the RateLimit fields, and ETag and X-Cache where 304 is declared.
    """
    parts = document["components"]
    parts["securitySchemes"] = SECURITY_SCHEMES | {"Session": SECURITY_SCHEMES["Session"] | {"name": session_cookie}}
    parts["responses"] = RESPONSES
    parts["schemas"].setdefault("Refusal", Refusal.json_schema())
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["security"] = [{name: []} for name in SECURITY_SCHEMES]
            _complete(operation, names_something="{" in path)


def _complete(operation: Document, *, names_something: bool) -> None:
    answers = operation["responses"]
    for code, answer in answers.items():
        if "$ref" not in answer:
            own = VALIDATORS if 304 in answers and code == 200 else {}
            answer["headers"] = HEADERS | own | answer.get("headers", {})
    shared = dict(EVERYWHERE)
    if operation.get("parameters") or "requestBody" in operation:
        shared[400] = WRONG
    if names_something:
        shared[404] = UNKNOWN
    if "requestBody" in operation:
        shared[413] = LARGE
    answers |= {code: _ref(name) for code, name in shared.items() if code not in answers}
