"""Settings of the whole product, read from the environment; every name is listed in docs/operations.md."""

from __future__ import annotations

import sys
from pathlib import Path
from zoneinfo import available_timezones

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from whitenoise.compress import Compressor

from project import databases, development, stores

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- Where things live -------------------------------------------------------------------------
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).absolute()
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(DATA_DIR / "media")))
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(DATA_DIR / "static")))
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]

# --- Modes ------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
TESTING = env.bool("TIDEMARK_TESTING", default=False)


def _secret_key() -> str:
    """The key from SECRET_KEY, or the one `manage.py up` made in DATA_DIR; there is no default."""
    key: str = env.str("SECRET_KEY", default="")
    made = DATA_DIR / "secret_key"
    if not key and made.is_file():
        key = made.read_text().strip()
    if not key:
        raise ImproperlyConfigured(
            f"SECRET_KEY is not set and {made} does not exist. Set SECRET_KEY, or run `make run`, which makes one."
        )
    return key


SECRET_KEY = _secret_key()

# --- Addresses --------------------------------------------------------------------------------
HOST = env.str("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=8000)
BASE_URL = env.str("BASE_URL", default=f"http://{HOST}:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
HTTPS = BASE_URL.startswith("https://")
COOKIE_PREFIX = "__Host-" if HTTPS else ""  # browsers then take it from this host alone, and only over https
CSRF_TRUSTED_ORIGINS = [BASE_URL]

# --- Apps and middleware ----------------------------------------------------------------------
INSTALLED_APPS = [
    "django_otp",  # before project, which takes its administration away
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "project",
    "scraping",
    "snapshots",
    "accounts",
    "workitems",
    "perf",
    "ninja",
    "axes",
    "csp",
    "project.apps.TidemarkAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "perf.middleware.TimingMiddleware",
    "perf.rates.RateLimitMiddleware",
    "project.access.ClientMiddleware",
    "project.access.PrivateMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "project.headers.BrowserLimitsMiddleware",
    "project.bodies.UnreadMiddleware",
    "project.statics.StaticFilesMiddleware",
    "perf.compression.CompressionMiddleware",
    "project.errors.ApiErrorMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "project.access.RememberedMiddleware",
    "project.access.IdleSessionMiddleware",
    "project.access.TokenMiddleware",
    "project.access.SignedInMiddleware",
    "project.second_step.SecondStepMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "project.context.product",
            ],
        },
    }
]

# --- Database ---------------------------------------------------------------------------------
DATABASES = {"default": databases.main(env, DATA_DIR)}

DB_STATEMENT_TIMEOUT = env.float("DB_STATEMENT_TIMEOUT", default=30.0)  # seconds, of the web server's alone; 0: none

# --- Cache, queue and limits ------------------------------------------------------------------
# REDIS_URL may evict; BROKER_URL holds the queue and the platforms' limits and must not.
REDIS_URL = env.str("REDIS_URL", default="") or ("" if DEBUG else "redis://localhost:6379/0")


def _next_database(url: str) -> str:
    """The same server's next numbered database: redis://host:6379/0 → redis://host:6379/1."""
    base, _, number = (url or "redis://localhost:6379/0").rpartition("/")
    return f"{base}/{int(number) + 1}" if number.isdigit() else f"{url.rstrip('/')}/1"


BROKER_URL = env.str("BROKER_URL", default="") or _next_database(REDIS_URL)
REDIS_TIMEOUT = 0.25  # seconds; a hung server otherwise costs every request 5 to 15 s
CACHE_TTL_SUMMARY = env.int("CACHE_TTL_SUMMARY", default=300)
CACHE_TTL_HISTORY = env.int("CACHE_TTL_HISTORY", default=600)
CACHE_TTL_GRID = env.int("CACHE_TTL_GRID", default=300)
CACHE_TTL_ACCOUNTS = env.int("CACHE_TTL_ACCOUNTS", default=900)
CACHE_TTL_WORKITEMS = env.int("CACHE_TTL_WORKITEMS", default=60)
CACHE_TTL_STATS = env.int("CACHE_TTL_STATS", default=300)
CACHE_TTL_DEFAULT = env.int("CACHE_TTL_DEFAULT", default=300)
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": REDIS_URL,
            "TIMEOUT": CACHE_TTL_DEFAULT,
            "KEY_PREFIX": "tidemark",
            "OPTIONS": {
                "CLIENT_CLASS": "django_redis.client.DefaultClient",
                "SERIALIZER": "perf.cache.serializer.BytesOrJSON",  # never pickle
                "SOCKET_CONNECT_TIMEOUT": REDIS_TIMEOUT,
                "SOCKET_TIMEOUT": REDIS_TIMEOUT,
                "IGNORE_EXCEPTIONS": True,
            },
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "TIMEOUT": CACHE_TTL_DEFAULT,
            "KEY_PREFIX": "tidemark",
            "OPTIONS": {"MAX_ENTRIES": 10_000},
        }
    }

# --- Celery (the queues and the beat schedule stand in project/celery.py) ------------------------
CELERY_BROKER_URL = BROKER_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False  # true loops for ever on a poison task; the ledger re-leases instead
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_DEFAULT_QUEUE = "control"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "priority_steps": list(range(10)),  # 0 goes first
    "queue_order_strategy": "priority",
    "visibility_timeout": 900,  # above the longest task
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
}

# --- People and sessions ----------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
if TESTING:  # hashing well is slow on purpose; the suite signs hundreds of people in
    PASSWORD_HASHERS.insert(0, "django.contrib.auth.hashers.MD5PasswordHasher")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "project.audit.PasswordChangeRecord"},  # refuses nothing; records every change
]
PASSWORD_RESET_TIMEOUT = 24 * 3600
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
SESSION_ENGINE = "project.session_store"  # in the database: signing in must not depend on Redis
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}session"
SESSION_COOKIE_AGE = 12 * 3600  # of idleness; project/access.py pushes it out, and gives crew 30 days
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True  # our scripts take the token from the page
CSRF_COOKIE_SAMESITE = "Lax"
MESSAGE_STORAGE = "project.headers.Messages"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # never a whole office, never for ever
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the page says when it ends, and then it ends
AXES_LOCKOUT_CALLABLE = "project.views.locked_out"
AXES_CLIENT_IP_CALLABLE = "project.access.client_address"
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # its rows could be deleted there; the audit log cannot, and a reset link lifts a lock
REQUIRE_TOTP = env.bool("REQUIRE_TOTP", default=False)  # of administrators: see project/second_step.py
OTP_TOTP_ISSUER = "Tidemark"  # what apps call it
CSRF_FAILURE_VIEW = "project.errors.csrf_failure"

# How often one person may ask, as (requests, seconds); 0 requests: no limit. See perf/rates.py.
RATE_LIMITS = {
    "reads": (env.int("RATE_LIMIT_READS", default=600), 60),
    "exports": (env.int("RATE_LIMIT_EXPORTS", default=10), 3600),
    "scrapes": (env.int("RATE_LIMIT_SCRAPES", default=30), 3600),
    "beacons": (env.int("RATE_LIMIT_BEACONS", default=60), 60),
}

# --- Mail -------------------------------------------------------------------------------------
EMAIL_URL = env.str("EMAIL_URL", default="")
MAIL = bool(EMAIL_URL)  # without it no page offers mail, and an administrator hands links over
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="dummymail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="tidemark@localhost")
EMAIL_TIMEOUT = 10  # seconds

# --- What the browser is told -------------------------------------------------------------------
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # load balancers ask over plain HTTP
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
# Every name below ours would be cut off from plain http for a year, and who is on a preload list stays for longer.
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS and env.bool("HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # which ask for both
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
if DEBUG and not TESTING:  # never importable in production: a test looks at sys.modules
    vars().update(development.settings_of(INSTALLED_APPS, MIDDLEWARE, CONTENT_SECURITY_POLICY))

# --- Files ------------------------------------------------------------------------------------
S3_BUCKET = env.str("S3_BUCKET", default="")  # holds photos and Word files instead of MEDIA_ROOT
S3_ENDPOINT_URL = env.str("S3_ENDPOINT_URL", default="")
STORAGES = {
    "default": stores.photos(env, S3_BUCKET, S3_ENDPOINT_URL),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or TESTING
        else "project.statics.StaticFiles"
    },
}
FILE_UPLOAD_PERMISSIONS = 0o600
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")  # 5 MB that only debuggers fetch

# --- Time and words ---------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
if TIME_ZONE not in available_timezones():
    raise ImproperlyConfigured(f"TIME_ZONE {TIME_ZONE!r} is not a zone. Write it as Europe/Berlin or UTC.")

# --- Measuring --------------------------------------------------------------------------------
ENABLE_MONITORING = env.bool("ENABLE_MONITORING", default=True)
SLOW_REQUEST_THRESHOLD = env.float("SLOW_REQUEST_THRESHOLD", default=1.0)  # seconds
SLOW_QUERY_THRESHOLD = env.float("SLOW_QUERY_THRESHOLD", default=0.1)  # seconds
# The share of page views whose timings browsers tell, 0 to 1. Tests leave pages as their database is emptied: none.
PAGE_VIEW_SAMPLE = env.float("PAGE_VIEW_SAMPLE", default=0.0 if TESTING else 1.0) if ENABLE_MONITORING else 0.0
PROFILE_QUERIES = env.bool("PROFILE_QUERIES", default=DEBUG)
PERF_STORE = env.str("PERF_STORE", default="database")  # or "memory"
PERF_MAX_SERIES = env.int("PERF_MAX_SERIES", default=5_000)  # of one process between two flushes
PERF_MAX_SHARE = env.float("PERF_MAX_SHARE", default=0.05)  # of one core
PERF_PAGE_VIEW_DAYS = env.int("PERF_PAGE_VIEW_DAYS", default=30)
PERF_FLUSH_SECONDS = env.float("PERF_FLUSH_SECONDS", default=0.0 if TESTING else 5.0)  # tests flush by themselves

# --- Gathering --------------------------------------------------------------------------------
SCRAPE_WINDOW = env.str("SCRAPE_WINDOW", default="02:00-05:00")
SCRAPE_WORKERS = env.int("SCRAPE_WORKERS", default=5)
WORKER_PROCESSES = env.int("WORKER_PROCESSES", default=3)  # of the worker that `manage.py up` starts
WEB_PROCESSES = env.int("WEB_PROCESSES", default=2)  # of its web server
SCRAPE_PAGE_PLATFORMS = env.list("SCRAPE_PAGE_PLATFORMS", default=[])
X_MONTHLY_BUDGET_USD = env.float("X_MONTHLY_BUDGET_USD", default=None)
# Within how many hours each tier of accounts is promised a new figure: see scraping/freshness.py.
FRESHNESS_HOURS = {
    "core": env.int("FRESHNESS_CORE_HOURS", default=24),
    "active": env.int("FRESHNESS_ACTIVE_HOURS", default=48),
    "rest": env.int("FRESHNESS_REST_HOURS", default=72),
}
LEASE_SECONDS = env.int("LEASE_SECONDS", default=120)
FAKE_PLATFORMS_URL = env.str("FAKE_PLATFORMS_URL", default="")
SCRAPE_ATTEMPT_DAYS = env.int("SCRAPE_ATTEMPT_DAYS", default=30)  # how long each try is kept; hours of them longer
ALERT_WEBHOOK_URL = env.str("ALERT_WEBHOOK_URL", default="")
ALERT_WEBHOOK_SECRET = env.str("ALERT_WEBHOOK_SECRET", default="")  # signs what is posted there
# One credential per platform that wants one, from <PLATFORM>_TOKEN (X_TOKEN, YOUTUBE_TOKEN, …); unset switches it off.
PLATFORM_TOKENS = {
    name.removesuffix("_TOKEN").lower(): value.strip()  # a file that was read ends in a line break
    for name, value in env.ENVIRON.items()
    if name.endswith("_TOKEN") and name != "TWILIO_AUTH_TOKEN" and value.strip()
}

# --- Notices of work items ------------------------------------------------------------------------
ENABLE_NOTIFICATIONS = env.bool("ENABLE_NOTIFICATIONS", default=False)  # by mail, webhook and text message, as set
WORKITEM_WEBHOOK_URL = env.str("WORKITEM_WEBHOOK_URL", default="")
WORKITEM_WEBHOOK_SECRET = env.str("WORKITEM_WEBHOOK_SECRET", default="")  # signs what is posted there
TWILIO_ACCOUNT_SID = env.str("TWILIO_ACCOUNT_SID", default="")
TWILIO_AUTH_TOKEN = env.str("TWILIO_AUTH_TOKEN", default="")
TWILIO_FROM = env.str("TWILIO_FROM", default="")  # a number of that account, such as +14155552671
SMS = bool(TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN and TWILIO_FROM)
NOTICE_DAYS = env.int("NOTICE_DAYS", default=90)  # how long a notice that was sent or given up is kept
OUTWARD_POST = "scraping.outward.post"  # opens the socket for apps that may not

# --- Lists ------------------------------------------------------------------------------------
ITEMS_PER_PAGE = env.int("ITEMS_PER_PAGE", default=25)
MAX_ITEMS_PER_PAGE = env.int("MAX_ITEMS_PER_PAGE", default=100)

# --- Photos -----------------------------------------------------------------------------------
MAX_PHOTOS = env.int("MAX_PHOTOS", default=6)  # of one work item
MAX_PHOTO_BYTES = env.int("MAX_PHOTO_BYTES", default=25 * 2**20)
MAX_REQUEST_BYTES = env.int("MAX_REQUEST_BYTES", default=160 * 2**20)  # of a form with all its photos
FILE_UPLOAD_HANDLERS = [
    "workitems.receiving.CappedUploads",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# --- Exports ----------------------------------------------------------------------------------
EXPORT_STREAM_ROWS = env.int("EXPORT_STREAM_ROWS", default=100_000)  # more are written by a worker
EXPORT_KEEP_HOURS = env.int("EXPORT_KEEP_HOURS", default=24)  # how long such a file is kept

# --- Log --------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "project.masking.MaskingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
}
