"""Nobody reads what is not theirs to read: with every cache warm, after leaving, and row by row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Account
from perf.access import ANYONE, SIGNED_IN
from perf.cache.ready import PRESS, READY
from project.models import AccessToken
from project.roles import ROLES, SCOPES, Scope
from snapshots.models import Note
from tests import factories
from tests.project.reads import VOLATILE
from tests.project.test_matrix import SAMPLES, Address, addresses, is_admin, may
from tests.project.test_warm import Answer, Site
from tests.workitems.photo_files import picture
from workitems import photos, reviewing, uploads
from workitems.models import Comment, Photo, StatusChange, Upload, WorkItem

ACCOUNTS, ITEMS, INTERNAL = "Zanzibar Harbourmaster", "Xylophone Quay", "Whispered aside"
"""Said of an account, of an item, and in an item's internal notes, and nowhere else."""

MAY_READ = {
    "crew": {ITEMS},
    "reviewer": {ITEMS, INTERNAL},
    "viewer": {ACCOUNTS},
    "editor": {ACCOUNTS},
}


def world() -> tuple[Account, WorkItem]:
    """An account and an item at the addresses that the matrix tries, with something to read in every corner."""
    office = factories.organization(ACCOUNTS)
    account = factories.account(
        SAMPLES["platform"], SAMPLES["handle"], organization=office, display_name=ACCOUNTS, bio=ACCOUNTS
    )
    factories.snapshot(account)
    root = User.objects.create_superuser("root")
    Note.write(root, account=account, day=account.snapshots.get().date, text=ACCOUNTS)
    Account.objects.filter(pk=account.pk).retag(root, add=[SAMPLES["name"]])
    item = factories.item(
        factories.user("crew", username="mark"), photos=1, number=SAMPLES["number"], location=ITEMS, detail=ITEMS
    )
    WorkItem.objects.filter(pk=item.pk).update(internal_notes=INTERNAL)
    reviewing.comment(item, ITEMS, by=root)
    item.photos.update(caption=ITEMS)
    return account, item


def open_to(role: str) -> Iterator[Address]:
    """Every page and operation that answers a GET of that role's."""
    rights = ROLES[role] or frozenset()
    for address in addresses():
        policy = address.policies["GET"]
        if policy and not is_admin(address) and (policy in {ANYONE, SIGNED_IN} or may(policy, rights)):
            yield address


def body(client: Client, path: str, **headers: str) -> str:
    answer: Any = client.get(path, headers=headers)
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode(errors="replace")


@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_no_role_reads_anothers_words() -> None:
    world()
    root = Client()
    root.force_login(User.objects.get(username="root"))
    shown, leaks = set(), []
    for role, own in MAY_READ.items():
        client = Client()
        client.force_login(factories.user(role))
        for address in open_to(role):
            tag = root.get(address.path).headers.get("ETag", "")
            for headers in ({}, {"If-None-Match": tag}) if tag else ({},):
                text = body(client, address.path, **headers)
                said = {word for word in (ACCOUNTS, ITEMS, INTERNAL) if word in text}
                shown |= {(role, word) for word in said & own}
                leaks += [f"{role} reads {word!r} at {address.path}" for word in said - own]
    assert leaks == []
    assert shown == {(role, word) for role, own in MAY_READ.items() for word in own}  # or nothing was tried


def may_read(role: str, address: Address) -> bool:
    """Whether the page or operation answers a GET of that role's; "" has no rights, "root" all."""
    policy = address.policies["GET"]
    rights = ROLES.get(role) or frozenset()
    return role == "root" or policy in {ANYONE, SIGNED_IN} or may(policy or (), rights)


def cookie_of(user: Any) -> dict[str, str]:
    """What `user` shows who is signed in."""
    client = Client()
    client.force_login(user)
    return {"HTTP_COOKIE": f"{configured.SESSION_COOKIE_NAME}={client.cookies[configured.SESSION_COOKIE_NAME].value}"}


def callers() -> dict[str, dict[str, str]]:
    """One of each role and one without, who is deactivated, and nobody: what each shows."""
    gone = factories.user("admin", username="gone")
    shown = {"gone": cookie_of(gone)}
    User.objects.filter(pk=gone.pk).update(is_active=False)  # past what would end the session, too
    shown |= {role: cookie_of(factories.user(role)) for role in (*MAY_READ, "")}
    return {"root": cookie_of(User.objects.get(username="root")), **shown, "nobody": {}}


def refusal(site: Site, method: str, path: str, **shows: str) -> tuple[int, str, bytes]:
    """What somebody gets who may not read it; whoever may leaves no trace in it."""
    answer = site.ask(method, path, **shows)
    assert not answer.headers.keys() & {"ETag", "X-Cache", "Last-Modified"}, path
    return answer.status, answer.headers.get("Location", ""), VOLATILE.sub(b"", answer.body)


def same_head(site: Site, path: str, seen: Answer, **shows: str) -> bool:
    """Whether a HEAD is answered with the headers of the GET `seen`; operations that have none say so."""
    head = site.ask("HEAD", path, **shows)
    if head.status == 405:
        return seen.status == 405 or ("GET" in head.headers["Allow"] and "HEAD" not in head.headers["Allow"])
    told = ["Content-Type", "Cache-Control", "Content-Encoding", "ETag", "Location"]
    told += ["Vary"] if "no-store" not in seen.headers["Cache-Control"] else []  # nobody keeps it
    told += ["Content-Length"] if b"data-ago" not in seen.body else []  # a second later another number
    assert {name: head.headers.get(name) for name in told} == {name: seen.headers.get(name) for name in told}, path
    return head.status == seen.status


@pytest.mark.drill  # a thousand requests
@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(300)
def test_no_role_reads_anothers_words_though_every_cache_is_warm(settings: Any) -> None:
    settings.RATE_LIMITS = {}
    world()
    READY.clear()
    site, asking, shown, warm = Site(), callers(), set(), set()
    for address in addresses():
        if not address.policies["GET"] or is_admin(address) or address.policies["GET"] == ANYONE:
            continue
        path = address.path
        others = {
            who: shows for who, shows in asking.items() if who in {"gone", "nobody"} or not may_read(who, address)
        }
        cold = {who: refusal(site, "GET", path, **shows) for who, shows in others.items()}
        assert {status for status, *_ in cold.values()} <= {302, 401, 403, 405}, path
        if 405 in {status for status, *_ in cold.values()}:
            continue  # only written to
        for who in asking.keys() - others.keys():
            answer = [site.get(path, **asking[who]) for _ in range(3 if who == "root" else 1)][-1]
            warm |= {path} if answer.headers.get("X-Cache") == "HIT" else set()
            text = answer.body.decode(errors="replace")
            said = {word for word in (ACCOUNTS, ITEMS, INTERNAL) if word in text}
            shown |= {(who, word) for word in said}
            assert said <= MAY_READ.get(who, {ACCOUNTS, ITEMS, INTERNAL} if who == "root" else set()), (who, path)
        tag = {"HTTP_IF_NONE_MATCH": site.get(path, **asking["root"]).headers.get("ETag", "*")}
        for who, shows in others.items():
            assert refusal(site, "GET", path, **shows, **tag) == cold[who], (who, path)
        assert same_head(site, path, site.get(path, **asking["root"]), **asking["root"]), path
    assert len(warm) > 9
    everything = MAY_READ | {"root": {ACCOUNTS, ITEMS, INTERNAL}}
    assert shown == {(who, word) for who, own in everything.items() for word in own}  # or nothing was tried


@pytest.mark.django_db(transaction=True)
def test_who_was_let_in_warm_is_out_with_the_next_request() -> None:
    world()
    READY.clear()
    site, paths = Site(), ["/api/summary", "/api/grid", f"/api/history/x/{SAMPLES['handle']}", "/api/accounts"]
    leavers = {}
    for name in ("by session", "by token", "demoted"):
        user = factories.user("viewer", username=name)
        client = Client()
        client.force_login(user)
        secret = AccessToken.objects.make(user, name, Scope.READ)[1]
        cookie = f"{configured.SESSION_COOKIE_NAME}={client.cookies[configured.SESSION_COOKIE_NAME].value}"
        shows = {"HTTP_AUTHORIZATION": f"Bearer {secret}"} if name == "by token" else {"HTTP_COOKIE": cookie}
        leavers[name] = user, shows
    tags = {}
    for path in paths:
        for _, shows in leavers.values():
            tags[path] = [site.get(path, **shows) for _ in range(3)][-1].headers["ETag"]
    for name, (user, _) in leavers.items():
        if name == "demoted":
            user.groups.clear()
        else:
            user.is_active = False
            user.save()
    for path in paths:
        for name, (_, shows) in leavers.items():
            wanted = 403 if name == "demoted" else 401
            for more in ({}, {"HTTP_IF_NONE_MATCH": tags[path]}):
                answer = site.get(path, **shows, **more)
                assert answer.status == wanted, (name, path, more)
                assert ACCOUNTS not in answer.body.decode()


BEARERS = {
    "read": {ACCOUNTS},
    "write": {ACCOUNTS},
    "crew": {ITEMS, INTERNAL},
    "metrics": set[str](),
}
"""What a token of each scope may read of an administrator's words."""


def bearer(of: Any, scope: str) -> tuple[AccessToken, dict[str, str]]:
    """A token and what whoever has it shows."""
    token, secret = AccessToken.objects.make(of, scope, scope)
    return token, {"HTTP_AUTHORIZATION": f"Bearer {secret}"}


def warm_up(site: Site, path: str, shows: dict[str, str]) -> Answer:
    """What a bearer gets who asks until it comes from memory, where it ever does."""
    for _ in range(3):  # computed, then found and pressed, then learned pressed
        site.get(path, **shows)
        PRESS.wait()
    return site.get(path, **shows)


def after_warm(site: Site, path: str, shows: dict[str, str], leave: Callable[[], object]) -> Iterator[Answer]:
    """What a bearer gets after `leave`, who was let in with every cache warm: by GET, with the tag, and by HEAD."""
    seen = warm_up(site, path, shows)
    assert seen.status not in {401, 403}, path
    leave()
    yield from (site.get(path, **shows, **more) for more in ({}, {"HTTP_IF_NONE_MATCH": seen.headers.get("ETag", "*")}))
    yield site.ask("HEAD", path, **shows)


@pytest.mark.drill  # two thousand requests
@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(400)
def test_no_token_reads_more_than_its_scope_nor_after_its_end_though_every_cache_is_warm(settings: Any) -> None:
    settings.RATE_LIMITS = {}
    world()
    READY.clear()
    site, root, shown, tried, warm = Site(), User.objects.get(username="root"), set(), 0, set()
    tokens = {scope: bearer(root, scope)[1] for scope in BEARERS}
    for address in addresses():
        path, policy = address.path, address.policies["GET"]
        if not address.is_api or policy in {None, ANYONE}:
            continue
        allowed = {scope for scope in BEARERS if policy == SIGNED_IN or may(policy or (), SCOPES[scope])}
        narrower = BEARERS.keys() - allowed
        cold = {scope: refusal(site, "GET", path, **tokens[scope]) for scope in narrower}
        assert {status for status, *_ in cold.values()} <= {403}, path
        for scope in sorted(allowed):
            answer = warm_up(site, path, tokens[scope])
            warm |= set() if answer.by_django else {path}
            said = {word for word in (ACCOUNTS, ITEMS, INTERNAL) if word in answer.body.decode(errors="replace")}
            shown |= {(scope, word) for word in said}
            assert said <= BEARERS[scope], (scope, path)
            owner, (token, shows) = factories.user("admin"), bearer(root, scope)
            left = [*after_warm(site, path, shows, token.revoke)]
            _, shows = bearer(owner, scope)
            left += after_warm(site, path, shows, partial(deactivate, owner))
            _, shows = bearer(owner := factories.user("admin"), scope)
            left += after_warm(site, path, shows, partial(User.objects.filter(pk=owner.pk).delete))
            assert {answer.status for answer in left} == {401}, (scope, path)
            assert all(word not in answer.body.decode() for answer in left for word in BEARERS[scope]), path
            tried += len(left)
        assert {scope: refusal(site, "GET", path, **tokens[scope]) for scope in narrower} == cold, path
    assert shown == {(scope, word) for scope, own in BEARERS.items() for word in own}
    assert tried > 500
    assert len(warm) > 5


def deactivate(user: Any) -> None:
    """As an administrator does."""
    user.is_active = False
    user.save()


def rows() -> list[Any]:
    """All that an item consists of."""
    return [
        list(model.objects.order_by("pk").values())  # type: ignore[attr-defined]  # all have one
        for model in (WorkItem, Photo, Upload, Comment, StatusChange)
    ]


@pytest.mark.django_db
def test_crew_changes_nothing_of_other_peoples_items() -> None:
    _, item = world()
    mark = User.objects.get(username="mark")
    photo = photos.add(item, _file(), by=mark)
    upload = uploads.promise(item, uploads.Promise(key="k", size=9, sha256="0" * 64), by=mark)
    other = Client(raise_request_exception=False)
    other.force_login(factories.user("crew"))
    before = rows()
    words = dict.fromkeys(("text", "reason", "caption", "location"), "x")
    sent = words | {"version": item.version, "status": "in_review", "position": 1}
    answers = {}
    for address in addresses():
        if not address.name.startswith(("workitems:", "api:")) or not (
            "workitems" in address.path or "uploads" in address.path
        ):
            continue
        path = address.path.replace("/photos/1", f"/photos/{photo.pk}").replace(SAMPLES["upload_id"], str(upload.pk))
        if path in {"/workitems/new/", "/api/workitems", "/workitems/notices/"}:
            continue  # one's own
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            if address.policies[method]:
                answers[f"{method} {path} json"] = other.generic(method, path, json.dumps(sent), "application/json")
        answers[f"POST {path} form"] = other.post(path, sent | {"file": _file()})
    answers["promise"] = other.post(
        "/api/uploads", {"item": item.number, "key": "m", "size": 9, "sha256": "1" * 64}, "application/json"
    )
    done = {name for name, answer in answers.items() if answer.status_code < 400}
    assert done == set()
    assert {name for name, answer in answers.items() if answer.status_code >= 500} == set()
    assert rows() == before
    assert other.get(f"/api/uploads/{upload.pk}").status_code == 404


def _file() -> Any:
    return SimpleUploadedFile("a.jpg", picture(shade=5), "image/jpeg")
