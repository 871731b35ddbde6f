"""What somebody sets who takes perf into a project of their own: its defaults, but for what is slow."""

import json
import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
BASE_DIR = HERE.parent
SECRET_KEY = "a project that runs for a second"  # nothing is behind it
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "marina.urls"
USE_TZ, TIME_ZONE = True, "UTC"
DEBUG = False
INSTALLED_APPS = [
    "perf",
    "marina",
    "ninja",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "perf.middleware.TimingMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": str(BASE_DIR / "marina.sqlite3"),
    "OPTIONS": {"timeout": 20, "init_command": "PRAGMA journal_mode=WAL"},
}
DATABASES = {"default": json.loads(os.environ.get("DATABASE", "null")) or SQLITE}
if "REDIS" in os.environ:
    CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": os.environ["REDIS"]}}
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
STATIC_URL = "/static/"
SLOW_QUERY_THRESHOLD = 0.02
PERF_FLUSH_SECONDS = 0  # the walk flushes itself
PERF_STORE = os.environ["STORE"]
