"""Addresses of the pages about gathering; mounted at scraping/."""

from __future__ import annotations

from django.urls import path

from scraping import capacity_views, views

app_name = "scraping"

urlpatterns = [
    path("", views.runs, name="runs"),
    path("live/", views.live, name="live"),
    path("capacity/", capacity_views.capacity, name="capacity"),
    path("start/", views.start, name="start"),
    path("missing/", views.missing, name="missing"),
    path("attempts/<int:pk>/", views.attempts, name="attempts"),
    path("runs/<int:pk>/", views.run, name="run"),
    path("runs/<int:pk>/retry/", views.retry, name="retry"),
    path("runs/<int:pk>/steer/", views.steer, name="steer"),
]
