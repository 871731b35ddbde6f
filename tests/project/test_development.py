"""Development shows what is slow: silk records it, the toolbar is on every page, and production knows neither."""

from __future__ import annotations

import json
from pathlib import Path

from tests.project.test_settings import boot

# A page that runs one slow query, asked for as an administrator; then silk's own pages.
LOOK = """
import json, time, django
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.db.models.expressions import RawSQL
from django.http import HttpResponse
from django.test import Client
from django.urls import path, reverse
from project import urls

def slow(request):
    connection.ensure_connection()
    connection.connection.create_function("pause", 1, lambda seconds: time.sleep(seconds))
    list(get_user_model().objects.annotate(seeded_slow_query=RawSQL("pause(%s)", [0.15])))
    return HttpResponse("<html><body>slow</body></html>")

urls.urlpatterns.insert(0, path("slow/", slow))
call_command("migrate", verbosity=0)
client = Client(headers={"host": "localhost"})
client.force_login(get_user_model().objects.create_superuser("admin", password="not used to sign in"))
page = client.get("/slow/").content.decode()
from silk.models import Request, SQLQuery
query = SQLQuery.objects.get(query__contains="seeded_slow_query")
shown = client.get(reverse("silk:request_sql", args=[query.request_id]))
print(json.dumps({"ms": query.time_taken, "path": query.request.path, "status": shown.status_code,
    "shown": "seeded_slow_query" in shown.content.decode(), "toolbar": "djDebug" in page}))
"""


def test_silk_shows_a_slow_query_and_the_toolbar_is_on_the_page(tmp_path: Path) -> None:
    process = boot(tmp_path, code=LOOK, DEBUG="1", SECRET_KEY="k" * 50)
    assert process.returncode == 0, process.stderr
    seen = json.loads(process.stdout.splitlines()[-1])
    assert seen.pop("ms") >= 150
    assert seen == {"path": "/slow/", "status": 200, "shown": True, "toolbar": True}
