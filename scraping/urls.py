"""Addresses of the pages about gathering; mounted at scraping/."""

from __future__ import annotations

from django.urls import path

from scraping import account_views, capacity_views, platform_views, views, watch_views

app_name = "scraping"

urlpatterns = [
    path("", views.runs, name="runs"),
    path("live/", views.live, name="live"),
    path("new/", views.new, name="new"),
    path("capacity/", capacity_views.capacity, name="capacity"),
    path("start/", views.start, name="start"),
    path("missing/", views.missing, name="missing"),
    path("attempts/<int:pk>/", account_views.attempts, name="attempts"),
    path("standing/<int:pk>/", account_views.standing, name="standing"),
    path("alerts/", watch_views.alerts, name="alerts"),
    path("alerts/mute/", watch_views.mute, name="alerts-mute"),
    path("metrics/", watch_views.metrics, name="metrics"),
    path("jobs/<int:pk>/sample/", watch_views.job_sample, name="job-sample"),
    path("samples/", watch_views.samples, name="samples"),
    path("samples/<int:pk>/", watch_views.sample, name="sample"),
    path("samples/<int:pk>/text/", watch_views.sample_text, name="sample-text"),
    path("late/", platform_views.late, name="late"),
    path("platforms/<str:platform>/", platform_views.platform, name="platform"),
    path("platforms/<str:platform>/resume/", platform_views.resume, name="resume-platform"),
    path("jobs/<int:pk>/retry/", views.retry_job, name="retry-job"),
    path("runs/<int:pk>/", views.run, name="run"),
    path("runs/<int:pk>/retry/", views.retry, name="retry"),
    path("runs/<int:pk>/steer/", views.steer, name="steer"),
]
