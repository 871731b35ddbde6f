"""The addresses of somebody else's project, and perf's."""

from django.urls import include, path
from marina import views
from ninja import NinjaAPI
from ninja.security import django_auth

api = NinjaAPI(auth=django_auth)
api.add_router("", "perf.api.router")

urlpatterns = [
    path("boats/", views.boats, name="boats"),
    path("ledger/", views.ledger, name="ledger"),
    path("tides/", views.tides, name="tides"),
    path("wreck/", views.wreck, name="wreck"),
    path("charts/", views.charts, name="charts"),
    path("performance/", include("perf.urls")),
    path("api/", api.urls),
]
