"""Pages that change one account: adding, editing, switching it on and off, deciding whose it is."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch
from django.views.decorators.http import require_http_methods, require_POST

from accounts.editing import SWITCHES, switch_account
from accounts.forms import AccountForm
from accounts.models import Account
from perf.access import requires

ANSWERS = {
    "ours": "The id that answers now is learned with the next scrape; its figures go on.",
    "known": "Only answers under the id we know will count.",
}
SWITCHED = {
    ("active", True): "is scraped and counted again",
    ("active", False): "is no longer scraped; its figures stay",
    ("core", True): "is a core account now and scraped before others",
    ("core", False): "is no core account any more",
}
IS = {
    ("active", True): "is active already",
    ("active", False): "is inactive already",
    ("core", True): "is a core account already",
    ("core", False): "is no core account already",
}
"""What a switch did, and what it says when there was nothing left to do."""


@require_http_methods(["GET", "HEAD", "POST"])
@requires("accounts.add_account")
def add(request: HttpRequest) -> HttpResponse:
    """Track another profile."""
    form = AccountForm(request.POST or None)
    if form.is_valid() and (account := form.store(request.user)):
        messages.success(request, f"{account} is tracked from now on. Its first figure comes with the next scrape.")
        return _page_of(account)
    form.point_at_error()
    return render(request, "accounts/form.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@requires("accounts.change_account")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what the registry says of an account."""
    account = get_object_or_404(Account.objects.visible_to(request.user).select_related("organization"), pk=pk)
    form = AccountForm(request.POST or None, account=account)
    if form.is_valid() and (stored := form.store(request.user)):
        messages.success(request, f"{stored} is changed.")
        return _page_of(stored)
    form.point_at_error()
    return render(request, "accounts/form.html", {"form": form, "account": account})


@require_POST
@requires("accounts.change_account")
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch scraping or the core mark of an account on or off. Scripts get {"on", "message"}; 409 for a lost race."""
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    name, on = request.POST.get("switch", ""), request.POST.get("on") == "1"
    if name not in SWITCHES:
        raise Http404
    changed = switch_account(account, request.user, name, on=on)
    message = f"{account} {SWITCHED[name, on]}." if changed else f"Somebody else was faster: {account} {IS[name, on]}."
    if request.accepts("text/html"):
        (messages.success if changed else messages.warning)(request, message)
        return _page_of(account)
    return JsonResponse({"on": on, "message": message}, status=200 if changed else 409)


@require_POST
@requires("accounts.change_account")
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide on an account on hold: "ours" learns the id that answers now, "known" waits for the one we know."""
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    answer = request.POST.get("answer")
    if answer not in ("ours", "known"):
        raise Http404
    if account.release(request.user, accept_new_id=answer == "ours"):
        messages.success(request, f"{account.handle} is scraped again. {ANSWERS[answer]}")
    else:
        messages.warning(request, f"{account.handle} was not on hold any more. Nothing was changed.")
    return _page_of(account)


def _page_of(account: Account) -> HttpResponseRedirect:
    """Leads to the account's page, or to the start where no app above has such a page."""
    try:
        return redirect("snapshots:account", account.platform, account.handle)
    except NoReverseMatch:
        return redirect("/")
