"""What was done to an account: a part of its page, and without a script a page of its own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.models import Account
from perf.access import requires
from perf.pagination import page_number, paginate
from project.changes import changes_of
from project.models import AuditSubject

PER_PAGE = 10


@require_safe
@requires("accounts.view_account", "accounts.change_account")
def changes(request: HttpRequest, pk: int) -> HttpResponse:
    """Who changed what of an account and when, newest first; for those who may change it themselves."""
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    page = paginate(
        AuditSubject.objects.filter(account_id=account.pk).select_related("entry"),
        order=("-entry_id",),
        page=page_number(request.GET.get("page")),
        per_page=PER_PAGE,
        after=request.GET.get("after", ""),
        clamp=True,
    )
    found = changes_of(account, [subject.entry for subject in page.object_list])
    name = "_changes" if request.headers.get("HX-Request") == "true" else "changes"
    response = render(request, f"project/{name}.html", {"account": account, "page": page, "changes": found})
    patch_vary_headers(response, ["HX-Request"])
    return response
