"""What was recorded, for Prometheus and everything that reads its format."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from perf.access import requires
from perf.exposition import exposition
from perf.reading import together

TEXT, OPENMETRICS = "text/plain; version=0.0.4; charset=utf-8", "application/openmetrics-text"


@require_safe
@never_cache
@requires("perf.view_performance")
def metrics(request: HttpRequest) -> HttpResponse:
    """Every series of all processes, in the text format, or in OpenMetrics for those who ask for it."""
    openmetrics = OPENMETRICS in request.headers.get("Accept", "")
    with together():
        told = exposition(openmetrics=openmetrics)
    kind = f"{OPENMETRICS}; version=1.0.0; charset=utf-8" if openmetrics else TEXT
    return HttpResponse(told, content_type=kind)
