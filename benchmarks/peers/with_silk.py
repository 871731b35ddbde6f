"""Settings of the product with django-silk at its defaults instead of perf's recording."""

from project.settings import *  # noqa: F403  # a settings module builds on another
from project.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "silk"]
MIDDLEWARE = ["silk.middleware.SilkyMiddleware", *MIDDLEWARE]
ROOT_URLCONF = "benchmarks.peers.with_silk_urls"
ENABLE_MONITORING = False
