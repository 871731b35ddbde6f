"""A good question for every operation of the API, about a small world that has something to answer each with."""

from __future__ import annotations

import json
from time import monotonic
from typing import Any

import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig

from accounts.schemas import COLUMNS, ON_REQUEST
from project.models import AccessToken
from project.roles import Scope
from project.urls import api
from scraping import ledger, settling
from scraping.models import ScrapeJob
from snapshots.exports import writing
from snapshots.exports.asking import ask
from snapshots.exports.filters import ExportFilters
from snapshots.exports.jobs import ExportJob
from snapshots.history import DERIVED, STORED
from snapshots.judging import Ticket, judge
from snapshots.models import Judgement
from tests import factories
from tests.perf.recorded import Answered, day, example, loop, processes_reported
from tests.project.reads import World
from tests.scraping import promising, watching
from tests.workitems.photo_files import picture
from workitems import bundles, uploads
from workitems.api.uploads import PIECE

Question = dict[str, Any]
ADMINS_ONLY = {"DELETE /api/workitems/{number}", "POST /api/workitems/{number}/restore"}
PERFORMANCE = "/api/performance"
ACCOUNT = {"platform": "x", "handle": "subject"}


def document() -> dict[str, Any]:
    """The OpenAPI document as its readers get it, but with objects that hold nothing that is not named there.

    A field that is sent and not described is then an error.
    """
    found: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema()))
    for schema in found["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return found


def operations() -> Any:
    """The operations of that document, by method and path, to be called in this process."""
    generation = GenerationConfig(with_security_parameters=False, database="none")
    config = SchemathesisConfig(projects=ProjectsConfig(default=ProjectConfig(generation=generation)))
    schema = schemathesis.openapi.from_dict(document(), config=config)
    schema.app = WSGIHandler()
    return {found.label: found for found in (result.ok() for result in schema.get_all_operations())}


class Asked(World):
    """That world with scrapes and exports, and one of each role of these who asks by token."""

    def __init__(self) -> None:
        super().__init__()
        self.editor = factories.user("editor", password="!")
        self.reviewer = factories.user("reviewer", password="!")
        self.item = factories.item(photos=1)
        factories.item()
        admin = factories.user("admin", password="!")
        self.bearers = {
            "anonymous": {},
            "viewer": _bearer(self.viewer, Scope.READ),
            "editor": _bearer(self.editor, Scope.WRITE),
            "reviewer": _bearer(self.reviewer, Scope.CREW),
            "admin": _bearer(admin, Scope.CREW),
        }
        self.metrics = _bearer(admin, Scope.METRICS)
        factories.snapshot(factories.account("youtube", "rounds"), followers=1_230_000, followers_rounded=True)
        self.run = promising.request(self.subject, self.other, self.third, by=self.editor)
        read = ScrapeJob.objects.filter(runjob__run=self.run).earliest("account_id")
        settling.settle([promising.read(read, 3_000)])
        watching.tried("x", "unparsable", of=self.other)
        self.ended = watching.tried("flickr", "unparsable").job
        judge(factories.snapshot(self.other, self.today, 85_000, quality="suspect"), accept=True, by=self.editor)
        self.own_judgement = Judgement.objects.get(by=self.editor)
        example("workitems:dashboard", 9)
        day([Answered("workitems:dashboard", 9, queries=99)])
        processes_reported()
        loop("workitems:dashboard")
        self.paused = promising.request(self.third)
        ledger.pause(self.paused, self.editor)
        self.written = self.export("csv")
        writing.write_some(monotonic() + 10)
        self.waiting = self.export("json")
        self.bundles = [bundles.ask([self.item.number], self.reviewer) for _ in ("written", "waiting")]
        bundles.write_next()

    def callers(self, label: str) -> list[dict[str, str]]:
        """The credentials of everybody whom the operation `label` may answer differently."""
        if PERFORMANCE in label:
            return [self.bearers["anonymous"], self.metrics]
        return list(self.bearers.values())

    def asker(self, label: str) -> dict[str, str]:
        """The credentials with which the operation `label` is answered with all that there is."""
        if PERFORMANCE in label:
            return self.metrics
        if label in ADMINS_ONLY:
            return self.bearers["admin"]
        crew = ("/workitems", "/uploads", "/documents")
        return self.bearers["reviewer" if any(part in label for part in crew) else "editor"]

    def export(self, kind: str) -> ExportJob:
        return ask(kind, ExportFilters(), self.editor)

    def further_questions(self) -> list[tuple[str, Question]]:
        """What shows fields that the one good question leaves out."""
        fields, metrics = ",".join((*COLUMNS, *ON_REQUEST)), ",".join((*STORED, *DERIVED))
        return [
            ("GET /api/accounts", {"query": {"fields": fields}}),
            (
                "GET /api/grid",
                {"query": {"day": self.ago(1).isoformat(), "organization": "Health Office", "per_page": 1}},
            ),
            ("GET /api/history", {"query": {"account": ["x/subject", "youtube/rounds"], "metrics": metrics}}),
            ("GET /api/history/{platform}/{handle}", {"path_parameters": ACCOUNT, "query": {"metrics": metrics}}),
            ("GET /api/summary", {}),
            ("GET /api/summary", {"query": {"group": "organization"}}),
            ("GET /api/summary", {"query": {"group": "platform"}}),
        ]

    def questions(self) -> dict[str, Question]:
        """By operation, what a case of it takes to be answered with all that there is; as its `asker`."""
        run, job = {"path_parameters": {"pk": self.run.pk}}, {"path_parameters": {"pk": self.ended.pk}}
        item = {"path_parameters": {"number": self.item.number}}
        photo = {"path_parameters": {"number": self.item.number, "pk": self.item.photos.get().pk}}
        file, export = ({"path_parameters": {"pk": one.pk}} for one in (self.written, self.waiting))
        account, tag = {"path_parameters": ACCOUNT}, {"path_parameters": {"name": "press"}}
        new = {"address": "newcomer", "platform": "x", "organization": "Parks", "tags": ["press"]}
        several = {"query": {"account": ["x/subject", "x/other"], "days": 30}}
        return {
            "GET /api/accounts": {"query": {"per_page": 2}},
            "POST /api/accounts": {"body": new},
            "GET /api/accounts/{platform}/{handle}": account,
            "PATCH /api/accounts/{platform}/{handle}": account | {"body": {"display_name": "Renamed"}},
            "DELETE /api/accounts/{platform}/{handle}": account,
            "GET /api/tags": {},
            "PATCH /api/tags/{name}": tag | {"body": {"name": "media"}},
            "DELETE /api/tags/{name}": tag,
            "POST /api/accounts/tags": {
                "body": {"account_keys": [self.subject.pk], "add": ["new"], "remove": ["press"]}
            },
            "GET /api/accounts.csv": {},
            "POST /api/import": {
                "body": [{"platform": "x", "handle": "another", "organization": "Parks"}],
                "media_type": "application/json",
            },
            "GET /api/summary": {"query": {"page": "1", "per_page": "2"}},
            "GET /api/coverage": {},
            "GET /api/grid": {"query": {"per_page": 2}},
            "GET /api/history": several,
            "GET /api/history/{platform}/{handle}": account,
            "GET /api/annotations": several,
            "GET /api/suspects": {},
            "GET /api/workitems": {"query": {"per_page": 1, "location": self.item.location}},
            "GET /api/workitems/{number}": {"path_parameters": {"number": self.item.number}},
            "POST /api/workitems": {
                "body": {"location": "Engine room", "description": "Valve leaks", "detail": "Replace the seal"}
            },
            "PATCH /api/workitems/{number}": {
                "path_parameters": {"number": self.item.number},
                "body": {"ofm": "Seal kit", "version": 1},
            },
            **self.about_photos(),
            **self.about_documents(),
            **self.about_performance(),
            "DELETE /api/workitems/{number}": item | {"query": {"version": 1}},
            "POST /api/workitems/{number}/restore": item,
            "POST /api/workitems/{number}/status": item | {"body": {"status": "in_review", "version": 1}},
            "POST /api/workitems/{number}/assign": item | {"body": {"assigned_to": "", "version": 1}},
            "POST /api/workitems/{number}/comments": item | {"body": {"text": "Which seal?"}},
            "GET /api/workitems/{number}/timeline": item,
            "POST /api/workitems/{number}/photos/{pk}/verdict": photo
            | {"body": {"verdict": "retake", "reason": "blurred"}},
            "POST /api/suspects/judge": {"body": {"verdict": "accept", "tickets": [str(Ticket.of(self.doubted))]}},
            "POST /api/judgements/{pk}/undo": {"path_parameters": {"pk": self.own_judgement.pk}},
            "GET /api/export.csv": {},
            "GET /api/export.json": {},
            "GET /api/export.ndjson": {},
            "GET /api/coverage.{kind}": {"path_parameters": {"kind": "json"}},
            "GET /api/exports": {"query": {"per_page": "1"}},
            "POST /api/exports": {"body": {"format": "ndjson", "compressed": True}},
            "GET /api/exports/{pk}": file,
            "DELETE /api/exports/{pk}": export,
            "GET /api/exports/{pk}/file": file,
            "HEAD /api/exports/{pk}/file": file,
            "GET /api/scrapes/metrics": {},
            "GET /api/scrapes": {},
            "POST /api/scrapes": {"body": {"scope": "platform", "platform": "flickr"}},
            "GET /api/scrapes/{pk}": run,
            "POST /api/scrapes/{pk}/cancel": run,
            "POST /api/scrapes/{pk}/pause": run,
            "POST /api/scrapes/{pk}/resume": {"path_parameters": {"pk": self.paused.pk}},
            "GET /api/capacity": {},
            "GET /api/platforms": {},
            "POST /api/platforms/{platform}/resume": {"path_parameters": {"platform": "x"}},
            "POST /api/jobs/{pk}/retry": job,
            "GET /api/freshness": {},
            "GET /api/freshness/late": {},
        }

    def about_photos(self) -> dict[str, Question]:
        """The same for the photos of items, sent whole and in pieces."""
        item = {"path_parameters": {"number": self.item.number}}
        photo = {"path_parameters": {"photo_id": self.item.photos.get().pk}}
        due = uploads.promise(self.item, uploads.Promise(key="due", size=9, sha256="0" * 64), by=self.reviewer)
        upload = {"path_parameters": {"upload_id": str(due.pk)}}
        promised = {"item": self.item.number, "key": "new", "name": "a.jpg", "size": 9, "sha256": "1" * 64}
        piece = {"body": b"12345", "media_type": PIECE, "headers": {"Upload-Offset": "0"}}
        whole = {"body": {"file": picture()}, "media_type": "multipart/form-data"}
        return {
            "POST /api/workitems/{number}/photos": item | whole,
            "PATCH /api/workitems/photos/{photo_id}": photo | {"body": {"caption": "Plate", "position": 1}},
            "DELETE /api/workitems/photos/{photo_id}": photo,
            "POST /api/workitems/photos/{photo_id}/restore": photo,
            "POST /api/uploads": {"body": promised},
            "GET /api/uploads": {"query": {"form": "key"}},
            "GET /api/uploads/{upload_id}": upload,
            "HEAD /api/uploads/{upload_id}": upload,
            "PATCH /api/uploads/{upload_id}": upload | piece,
            "DELETE /api/uploads/{upload_id}": upload,
        }

    def about_documents(self) -> dict[str, Question]:
        """The same for Word files: of one item, and of many in a zip that is written and lacks a photo."""
        file, unwritten = ({"path_parameters": {"pk": one.pk}} for one in self.bundles)
        return {
            "GET /api/workitems/{number}/document": {"path_parameters": {"number": self.item.number}},
            "POST /api/documents": {"body": {"numbers": [self.item.number]}},
            "GET /api/documents/{pk}": file,
            "DELETE /api/documents/{pk}": unwritten,
            "GET /api/documents/{pk}/file": file,
            "HEAD /api/documents/{pk}/file": file,
        }

    def about_performance(self) -> dict[str, Question]:
        """The same for what perf recorded."""
        return {
            "GET /api/performance": {},
            "GET /api/performance/cache": {},
            "GET /api/performance/findings": {},
            "GET /api/performance/queries": {},
            "GET /api/performance/indexes": {},
            "GET /api/performance/tasks": {},
            "GET /api/performance/outgoing": {},
            "GET /api/performance/frontend": {},
            "GET /api/performance/storage": {"query": {"period": "1h"}},
            "GET /api/performance/processes": {},
            "GET /api/performance/routes/{route}": {"path_parameters": {"route": "workitems:dashboard"}},
        }


def described(schema: Any, parts: dict[str, Any], name: str = "") -> set[str]:
    """Every field of `schema` and of what it refers to, as Component.field."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = parts[name]
    found = {f"{name}.{field}" for field in schema.get("properties", {})}
    return found.union(*(described(inner, parts, name) for inner in _inner(schema)))


def sent(value: Any, schema: Any, parts: dict[str, Any], name: str = "") -> set[str]:
    """Those of the fields of `schema` that `value` has."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = parts[name]
    fields = schema.get("properties", {}) if isinstance(value, dict) else {}
    if (needed := schema.get("required")) and not (isinstance(value, dict) and all(field in value for field in needed)):
        return set()  # another of several possible kinds
    found = {f"{name}.{field}" for field in fields if field in value}
    parted = [(value[field], inner) for field, inner in fields.items() if field in value]
    parted += [(value, option) for option in schema.get("anyOf", ())]
    parted += [(one, schema["items"]) for one in value if "items" in schema] if isinstance(value, list) else []
    return found.union(*(sent(one, inner, parts, name) for one, inner in parted))


def _inner(schema: Any) -> list[Any]:
    return [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *filter(None, [schema.get("items")])]


def _bearer(user: Any, scope: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {AccessToken.objects.make(user, scope, scope)[1]}"}
