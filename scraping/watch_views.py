"""Pages that watch over gathering: alerts, metrics, and samples of answers that could not be read."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.platforms import PLATFORMS
from perf.access import requires
from perf.pagination import page_number, paginate
from scraping import alerts as alerting
from scraping import metrics as figures
from scraping import wording
from scraping.models import Alert, AlertMute, Attempt, Sample, ScrapeJob
from scraping.samples import SAMPLED, with_sample

PER_PAGE = 25


@require_safe
@requires("scraping.view_scraperun")
def alerts(request: HttpRequest) -> HttpResponse:
    """What is wrong now, what was, and of which kinds one wants mail."""
    page = paginate(
        Alert.objects.visible_to(request.user).closed().prefetch_related("notices"),
        order=("-closed_at", "-id"),
        page=page_number(request.GET.get("page")),
        per_page=PER_PAGE,
        after=request.GET.get("after", ""),
    )
    past = [(alert, wording.words(alert)) for alert in page.object_list]
    muted = set(AlertMute.objects.filter(user=request.user.pk).values_list("kind", flat=True))
    kinds = [(kind, label, kind in muted) for kind, label in Alert.Kind.choices]
    context = {"alerts": alerting.banners(), "past": past, "page": page, "kinds": kinds}
    return render(request, "scraping/alerts.html", context)


@require_POST
@requires("scraping.request_scrape")
def mute(request: HttpRequest) -> HttpResponse:
    """Stop or resume one's own mail about one kind of alert."""
    kind, action = request.POST.get("kind", ""), request.POST.get("action")
    if kind not in Alert.Kind.values or action not in {"mute", "unmute"}:
        raise Http404
    if action == "mute":
        alerting.mute(request.user, kind)
        messages.success(request, f"No more mail to you about: {Alert.Kind(kind).label}. This page goes on showing it.")
    else:
        alerting.unmute(request.user, kind)
        lacks = "" if getattr(request.user, "email", "") else " No address is kept for you yet, so none is sent."
        messages.success(request, f"Unmuted, mail to you: {Alert.Kind(kind).label}.{lacks}")
    return redirect("scraping:alerts")


@require_safe
@requires("scraping.view_scraperun")
def metrics(request: HttpRequest) -> HttpResponse:
    """Outcomes, times and calls of a period, of one platform or all."""
    period, platform = request.GET.get("period", ""), request.GET.get("platform", "")
    shown = figures.metrics(
        period if period in figures.PERIODS else figures.DEFAULT_PERIOD, platform if platform in PLATFORMS else ""
    )
    context: dict[str, Any] = {"shown": shown, "periods": figures.PERIODS, "platforms": PLATFORMS.values()}
    return render(request, "scraping/metrics.html", context | {"platform": platform})


@require_safe
@requires("scraping.view_scraperun", "scraping.view_sample")
def samples(request: HttpRequest) -> HttpResponse:
    """Samples of answers that could not be read, newest first, of one platform and outcome or all."""
    asked = {name: request.GET.get(name, "") for name in ("platform", "outcome")}
    known = {"platform": PLATFORMS, "outcome": SAMPLED}
    chosen = {name: value for name, value in asked.items() if value in known[name]}
    page = paginate(
        Sample.objects.visible_to(request.user).filter(**chosen).for_list(),
        order=("-taken_at", "-id"),
        page=page_number(request.GET.get("page")),
        per_page=PER_PAGE,
        after=request.GET.get("after", ""),
    )
    context = {"page": page, "platforms": PLATFORMS.values(), "outcomes": sorted(SAMPLED), **asked}
    return render(request, "scraping/samples.html", context)


@require_safe
@requires("scraping.view_scraperun", "scraping.view_sample")
def sample(request: HttpRequest, pk: int) -> HttpResponse:
    """One answer that could not be read, as text."""
    found = get_object_or_404(Sample.objects.visible_to(request.user).select_related("account"), pk=pk)
    return render(request, "scraping/sample.html", {"sample": found})


@require_safe
@requires("scraping.view_scraperun", "scraping.view_sample")
def job_sample(request: HttpRequest, pk: int) -> HttpResponse:
    """The sample of a job's newest try that has one; else the samples of its platform, with a word on why."""
    job = get_object_or_404(ScrapeJob.objects.visible_to(request.user), pk=pk)
    tries = with_sample(Attempt.objects.filter(job=job)).exclude(sample=None).order_by("-started_at", "-pk")
    found = tries.values_list("sample", flat=True).first()
    if found:
        return redirect("scraping:sample", pk=found)
    messages.warning(request, "This answer is no longer kept: only the newest of each kind are. Here are those.")
    return redirect(f"{reverse('scraping:samples')}?platform={job.platform}")


@require_safe
@requires("scraping.view_scraperun", "scraping.view_sample")
def sample_text(request: HttpRequest, pk: int) -> HttpResponse:
    """The same as a file; never shown by the browser as what it once was."""
    found = get_object_or_404(Sample.objects.visible_to(request.user), pk=pk)
    answer = HttpResponse(found.body, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{found.platform}-{found.pk}.txt"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
