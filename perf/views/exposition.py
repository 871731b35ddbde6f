"""What was recorded, for Prometheus and everything that reads its format."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import choose_encoder

from perf.access import requires
from perf.exposition import Exposition
from perf.reading import together


@require_safe
@never_cache
@requires("perf.view_performance")
def metrics(request: HttpRequest) -> HttpResponse:
    """Every series of all processes, in the text format or in OpenMetrics, whichever the caller prefers."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    with together():
        told = encode(Exposition())
    return HttpResponse(told, content_type=content_type)
