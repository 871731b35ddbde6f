"""Pages about gathering: platforms, runs with live progress, and the buttons that start, pause and cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Account
from accounts.platforms import PLATFORMS
from perf import clock
from perf.access import requires
from perf.pagination import page_number, paginate
from perf.rates import rated
from scraping import alerts, board, condition, freshness, ledger, tasks
from scraping.models import ScrapeJob, ScrapeRun
from scraping.naming import UnknownAccounts, accounts_named
from scraping.outcomes import RULES

RUNS_SHOWN = 20
LOOKS_SHOWN = 10
JOBS_PER_PAGE = 50
STEER: dict[str, tuple[Callable[..., Any], str]] = {
    "pause": (ledger.pause, "Run {run} is paused: nothing of it is fetched until you resume it."),
    "resume": (ledger.resume, "Run {run} goes on."),
    "cancel": (ledger.cancel, "Run {run} is cancelled. The figures it has stored stay."),
}


@require_safe
@requires("scraping.view_scraperun")
def runs(request: HttpRequest) -> HttpResponse:
    """Every platform's state and quota, the runs under way and before, and what failed in the newest."""
    latest = list(ScrapeRun.objects.visible_to(request.user).for_runs_page()[:RUNS_SHOWN])
    platforms = board.platform_rows()
    context: dict[str, Any] = {"runs": latest, "open_runs": _open(request), "platforms": platforms}
    context |= {"banners": _banners(platforms), "tiers": freshness.by_tier(freshness.shares())}
    context["alerts"] = alerts.banners(but=alerts.SHOWN_AS_CONDITIONS)
    shown = next((run for run in latest if run.state != ScrapeRun.State.CANCELLED), None)
    if shown:
        context |= {"shown": shown, "failures": board.failures(shown)}
    return render(request, "scraping/runs.html", context)


@require_safe
@requires("scraping.view_scraperun")
def live(request: HttpRequest) -> HttpResponse:
    """The runs under way (or one, ?run=), alone; when none is left the page asks for its other parts again.

    One that only looks whether there are any (?look=1) is not told that they ended.
    """
    wanted = request.GET.get("run", "")
    open_runs = [run for run in _open(request) if wanted in ("", str(run.pk))]
    response = render(request, "scraping/_live.html", {"open_runs": open_runs, "one": wanted.isdecimal() and wanted})
    if not open_runs and "look" not in request.GET:
        response["HX-Trigger"] = "run-ended"
    return response


@require_safe
@requires("scraping.view_scraperun")
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run: its progress, its failures by reason, and each of its accounts with why it waits or how it ended."""
    found = get_object_or_404(ScrapeRun.objects.visible_to(request.user).for_runs_page(), pk=pk)
    chosen = _cleaned(request.GET)
    page = paginate(
        board.jobs_of(found, **chosen),
        order=board.JOBS_ORDER,
        page=page_number(request.GET.get("page")),
        per_page=JOBS_PER_PAGE,
        after=request.GET.get("after", ""),
    )
    context: dict[str, Any] = {"run": found, "open_runs": [found] if found.is_open else [], "page": page, **chosen}
    failures = board.failures(found)
    context |= {"failures": failures, "ends": board.ends_of(found, failures), "now": clock.now(), "one": found.pk}
    return render(request, "scraping/run.html", context)


@require_POST
@requires("scraping.request_scrape")
@rated("scrapes")
def start(request: HttpRequest) -> HttpResponse:
    """Scrape all accounts, one platform's or chosen ones now; leads to the page where progress is seen."""
    scope, platform, mode = (request.POST.get(name, "") for name in ("scope", "platform", "mode"))
    try:
        accounts = _in_scope(Account.objects.visible_to(request.user), request)
    except UnknownAccounts as unknown:
        return render(request, "scraping/new.html", _choices() | {"asked": request.POST, "error": str(unknown)})
    mode = mode if mode in ScrapeRun.Mode.values else ScrapeRun.Mode.FULL
    platform = platform if scope == ScrapeRun.Scope.PLATFORM else ""
    return _request(request, accounts, scope=scope, platform=platform, mode=mode)


@require_safe
@requires("scraping.request_scrape")
def new(request: HttpRequest) -> HttpResponse:
    """What to scrape and how long to wait for it: the form that starts a run of a part."""
    return render(request, "scraping/new.html", _choices() | {"asked": request.GET})


@require_POST
@requires("scraping.request_scrape")
@rated("scrapes")
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try again what ended without a figure in a run, on one platform for one reason."""
    found = get_object_or_404(ScrapeRun.objects.visible_to(request.user), pk=pk)
    return _request(request, board.failed_accounts(found, **_cleaned(request.POST)))


@require_POST
@requires("scraping.request_scrape")
@rated("scrapes")
def retry_job(request: HttpRequest, pk: int) -> HttpResponse:
    """Try one account again now: another job where its last one ended, or that job ahead of all others."""
    job = get_object_or_404(ScrapeJob.objects.visible_to(request.user).select_related("account"), pk=pk)
    try:
        run = ledger.request_scrape(Account.objects.filter(pk=job.account_id), request.user)
        tasks.wake()
        messages.success(request, f"{job.account.handle} is tried again now, as run {run.pk}.")
    except ledger.Refused as refused:
        messages.warning(request, str(refused))
    return redirect(_here(request))


@require_POST
@requires("scraping.request_scrape")
def steer(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause, resume or cancel a run."""
    found = get_object_or_404(ScrapeRun.objects.visible_to(request.user), pk=pk)
    act, said = STEER.get(request.POST.get("action", ""), (None, ""))
    if act is None:
        raise Http404
    try:
        act(found, request.user)
        tasks.wake()
    except ledger.Refused as refused:
        return _refused(request, f"{refused} Nothing was changed.") or redirect(_here(request))
    if not request.accepts("text/html"):
        return JsonResponse({"run": found.pk, "message": said.format(run=found.pk)})
    messages.success(request, said.format(run=found.pk))
    return redirect(_here(request))


@require_safe
@requires("scraping.view_scraperun", "accounts.view_account")
def missing(request: HttpRequest) -> HttpResponse:
    """The accounts that need a look, each with its reason: a part of the overview."""
    rows = board.needing_a_look()
    context = {"rows": rows[:LOOKS_SHOWN], "count": rows.count()}
    return render(request, "scraping/_missing.html", context)


def _here(request: HttpRequest) -> str:
    """The page of ours that a form came from, else the list of runs."""
    here = request.POST.get("here", "")
    is_ours = url_has_allowed_host_and_scheme(here, allowed_hosts=None) and here.startswith("/")
    return here if is_ours else reverse("scraping:runs")


def _banners(rows: Sequence[board.PlatformRow]) -> list[condition.Banner]:
    """What a person has to know or do, from the rows of the platforms."""
    found = {row.platform.name: row.condition for row in rows}
    waiting = {row.platform.name: row.jobs.get("due", 0) for row in rows}
    return condition.banners(found, waiting, condition.pulses())


def _cleaned(query: QueryDict) -> dict[str, str]:
    """The platform and outcome that a link or form names; empty for what is neither."""
    platform, outcome = query.get("platform", ""), query.get("outcome", "")
    return {"platform": platform if platform in PLATFORMS else "", "outcome": outcome if outcome in RULES else ""}


def _open(request: HttpRequest) -> list[ScrapeRun]:
    return list(ScrapeRun.objects.visible_to(request.user).open().for_runs_page()[:RUNS_SHOWN])


def _in_scope(accounts: QuerySet[Account], request: HttpRequest) -> QuerySet[Account]:
    """The accounts that the form names; an unknown scope is no page of ours."""
    match request.POST.get("scope"):
        case ScrapeRun.Scope.ALL:
            return accounts
        case ScrapeRun.Scope.PLATFORM if request.POST.get("platform") in PLATFORMS:
            return accounts.filter(platform=request.POST["platform"])
        case ScrapeRun.Scope.ACCOUNTS if request.POST.get("account", "").isdecimal():
            return accounts.filter(pk=request.POST["account"])
        case ScrapeRun.Scope.ACCOUNTS if "accounts" in request.POST:
            return accounts_named(accounts, request.POST["accounts"].split())
    raise Http404


def _choices() -> dict[str, Any]:
    """What the form offers: the platforms that have active accounts, and every mode with what it means."""
    used = set(Account.objects.active().order_by().values_list("platform", flat=True).distinct())
    modes = [(mode.value, *mode.label.split(": ", 1)) for mode in ScrapeRun.Mode]
    return {"platforms": [one for name, one in PLATFORMS.items() if name in used], "modes": modes}


def _request(request: HttpRequest, accounts: QuerySet[Account], **asked: str) -> HttpResponse:
    """Promise the scrape and say so, or say why not: to the page's script, or on the page of all runs."""
    try:
        promised = ledger.request_scrape(accounts, request.user, **asked)
        tasks.wake()
    except ledger.Refused as refused:
        return _refused(request, str(refused)) or redirect("scraping:runs")
    message = f"Run {promised.pk} has started. Figures appear as platforms allow."
    if not request.accepts("text/html"):
        return JsonResponse({"run": promised.pk, "message": message}, status=202)
    messages.success(request, message)
    return redirect("scraping:runs")


def _refused(request: HttpRequest, why: str) -> HttpResponse | None:
    """What the page's script is told of a refusal; people are told on the page that they are led to."""
    if not request.accepts("text/html"):
        return JsonResponse({"error": why}, status=409)
    messages.warning(request, why)
    return None
