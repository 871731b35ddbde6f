"""An address that is slow on purpose, in development alone: one slow query, and one query per row."""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db.models import FloatField, Func, TextField, Value
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from perf.access import requires

PAUSE_SECONDS = 0.3  # three times what counts as a slow query
ROWS = 12  # each read with a query of its own


class Pause(Func):
    """A value that takes the database a while; SQLite has no such function and is taught one."""

    function = "pg_sleep"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """The same, once the connection knows pg_sleep."""
        connection.ensure_connection()
        connection.connection.create_function("pg_sleep", 1, time.sleep)
        return self.as_sql(compiler, connection, **context)


@requires("perf.view_performance")
def planted(request: HttpRequest) -> HttpResponse:
    """A page with a slow query and a loop over rows, for Silk, the toolbar and the performance page to find."""
    paused = get_user_model().objects.annotate(planted_slow_query=Pause(Value(PAUSE_SECONDS, FloatField())))
    paused.filter(username=request.user.get_username()).get()
    kinds = sorted({permission.content_type.app_label for permission in Permission.objects.order_by("pk")[:ROWS]})
    return render(request, "project/planted.html", {"apps": kinds, "rows": ROWS, "seconds": PAUSE_SECONDS})
