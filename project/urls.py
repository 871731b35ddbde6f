"""Every address of the product."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.http import require_safe

from perf.access import signed_in
from perf.views.exposition import metrics
from project import (
    change_views,
    errors,
    health,
    invitation_views,
    second_step_views,
    session_views,
    sign_in_views,
    views,
)
from project.access import Api, SessionOrToken, StrictParser, policy_first

api = Api(
    title="Tidemark",
    version="1",
    description="Daily figures of social accounts, and work items. Sign in, or send a token from “Access tokens”.",
    urls_namespace="api",
    auth=[SessionOrToken()],
    docs_decorator=lambda view: signed_in(require_safe(view)),
    parser=StrictParser(),
)
errors.install(api)
api.add_decorator(policy_first, mode="view")
api.add_router("", "accounts.api.router")
api.add_router("", "accounts.bulk_api.router")
api.add_router("", "snapshots.api.router")
api.add_router("", "scraping.watch_api.router")  # before /scrapes/{pk}, which would take its name for a number
api.add_router("", "scraping.api.router")
api.add_router("", "scraping.capacity_api.router")
api.add_router("", "scraping.condition_api.router")
api.add_router("", "workitems.api.router")
api.add_router("", "perf.api.router")

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found
handler500 = errors.server_error

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("login/", sign_in_views.sign_in, name="login"),
    path("login/code/", sign_in_views.second_step, name="login-code"),
    path("logout/", views.sign_out, name="logout"),
    path("password/", views.change_password, name="password_change"),
    path("password/reset/", views.reset_by_mail, name="password_reset"),
    path("password/reset/sent/", views.reset_sent, name="password_reset_done"),
    path("password/reset/<uidb64>/<token>/", views.reset_by_link, name="password_reset_confirm"),
    path("sessions/", session_views.sessions, name="sessions"),
    path("two-steps/", second_step_views.two_steps, name="two-steps"),
    path("two-steps/set-up/", second_step_views.set_up, name="two-steps-set-up"),
    path("two-steps/codes/", second_step_views.renew, name="two-steps-codes"),
    path("two-steps/off/", second_step_views.turn_off, name="two-steps-off"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", views.revoke_token, name="token-revoke"),
    path("invitations/", invitation_views.invitations, name="invitations"),
    path("invitation/<code>/", views.accept_invitation, name="invitation"),
    path("changes/<int:pk>/", change_views.changes, name="changes"),
    path("api/", api.urls),
    path("admin/", admin.site.urls),
    path("accounts/", include("accounts.urls")),
    path("scraping/", include("scraping.urls")),
    path("workitems/", include("workitems.urls")),
    path("performance/", include("perf.urls")),
    path("", include("snapshots.urls")),
]
if settings.DEBUG and not settings.TESTING:
    from project import planting

    urlpatterns += [
        path("__debug__/", include("debug_toolbar.urls")),
        path("silk/", include("silk.urls", namespace="silk")),
        path("planted/", planting.planted, name="planted"),
    ]
