"""What most sites ship: the start project's middleware, a session in the database, cache_page on django-redis."""

from __future__ import annotations

import os
from pathlib import Path

import environ
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

BODY = Path(os.environ["PEER_BODY"]).read_bytes()


settings.configure(
    DEBUG=False,
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={"default": environ.Env().db() | {"CONN_MAX_AGE": 60}},
    CACHES={"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": os.environ["REDIS_URL"]}},
    SESSION_COOKIE_NAME="session",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
)

from django.contrib.auth.decorators import login_required  # noqa: E402  # it reads the settings
from django.views.decorators.cache import cache_page  # noqa: E402  # the same


@login_required
@cache_page(300)
def figures(request: HttpRequest) -> HttpResponse:
    """Answer with the same every time."""
    return HttpResponse(BODY, content_type="application/json")


urlpatterns = [path("figures", figures)]
application = get_wsgi_application()
