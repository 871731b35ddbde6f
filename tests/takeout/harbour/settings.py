"""What somebody else's project sets for the apps that it takes: TAKEN names them."""

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
TAKEN = os.environ["TAKEN"].split()
SECRET_KEY = "a project that runs for a second"  # nothing is behind it
BASE_URL, ALLOWED_HOSTS = "http://testserver", ["testserver"]
ROOT_URLCONF = "harbour.urls"
USE_TZ, TIME_ZONE = True, "UTC"
DEBUG = PROFILE_QUERIES = DEMO = TESTING = False
INSTALLED_APPS = [
    *TAKEN,
    "ninja",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "perf.middleware.TimingMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
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
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": HERE / "harbour.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},  # perf writes beside: one waits for the other
    }
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
REDIS_URL = ""
DATA_DIR = MEDIA_ROOT = HERE / "media"
STATIC_URL = "/static/"

ENABLE_MONITORING = True
SLOW_REQUEST_THRESHOLD = SLOW_QUERY_THRESHOLD = 60.0
PAGE_VIEW_SAMPLE = 0.0
RATE_LIMITS: dict[str, tuple[int, int]] = {}
CACHE_TTL_WORKITEMS, CACHE_TTL_STATS, CACHE_TTL_DEFAULT = 60, 300, 300
ITEMS_PER_PAGE, MAX_ITEMS_PER_PAGE = 25, 100
MAX_PHOTOS, MAX_PHOTO_BYTES, MAX_REQUEST_BYTES = 6, 2**20, 2**23
ENABLE_NOTIFICATIONS = MAIL = SMS = False
