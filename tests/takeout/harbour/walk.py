"""What somebody does with the taken apps: run by tests.test_takeout in a process of its own."""

import io
import sys

import django
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from PIL import Image


def person(name: str, *permissions: str) -> Client:
    """Somebody who is signed in and has these permissions."""
    from django.contrib.auth.models import Permission, User

    user = User.objects.create_user(name, first_name=name.title())
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def measure() -> None:
    """Perf: an answer that is kept, timed, and refused to strangers."""
    reader = person("reader")
    answers = [reader.get("/tides/") for _ in range(2)]
    assert [(one.content, one["X-Cache"]) for one in answers] == [
        (b"High water at noon", "MISS"),
        (b"High water at noon", "HIT"),
    ]
    assert float(answers[0]["X-Response-Time"].removesuffix("s")) < 60
    assert Client().get("/tides/").status_code == 302


def report_a_leak() -> None:
    """Workitems: an item with a photo from the crew's form to the end of its review, and through the API."""
    from workitems.models import WorkItem
    from workitems.processing import process

    crew = person("mark", "view_workitem", "add_workitem", "change_workitem")
    reviewer = person("dana", "view_workitem", "change_workitem", "review_workitem", "read_internal_notes")
    held = io.BytesIO()
    Image.new("RGB", (900, 600), (20, 90, 120)).save(held, "JPEG")
    words = {"location": "Engine room", "description": "Valve leaks", "detail": "Replace the seal"}
    photo = SimpleUploadedFile("valve.jpg", held.getvalue(), "image/jpeg")
    sent = crew.post("/workitems/new/", words | {"photo-1": photo, "caption-1": "Bonnet"}, follow=True)
    assert sent.status_code == 200, sent.status_code
    assert process(9) == 1
    item = WorkItem.objects.get()
    for address in ("/workitems/", f"/workitems/{item.number}/", "/workitems/review/", f"/api/workitems/{item.number}"):
        shown = reviewer.get(address)
        assert b"Valve leaks" in shown.content, address
    picture = reviewer.get(f"/workitems/photos/{item.photos.get().pk}/thumb/")
    assert picture["Content-Type"] == "image/jpeg"
    done = {"status": "completed_review", "version": str(item.version)}
    assert reviewer.post(f"/workitems/{item.number}/status/", done).status_code == 302
    assert b"Completed" in crew.get("/workitems/").content
    assert crew.post(f"/workitems/{item.number}/status/", done).status_code in {403, 409}
    assert reviewer.get(f"/workitems/{item.number}/document/")["Content-Disposition"].endswith('.docx"')


if __name__ == "__main__":
    django.setup()
    call_command("check")
    call_command("migrate", verbosity=0)
    call_command("makemigrations", check=True, dry_run=True)
    measure()
    if "workitems" in settings.TAKEN:
        report_a_leak()
    strangers = {"project", "scraping", "snapshots", "accounts", "tests"} & {name.split(".")[0] for name in sys.modules}
    assert not strangers, strangers
