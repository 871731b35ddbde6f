"""Settings of the product with django-orbit at its defaults instead of perf's recording."""

from project.settings import *  # noqa: F403  # a settings module builds on another
from project.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "orbit"]
MIDDLEWARE = ["orbit.middleware.OrbitMiddleware", *MIDDLEWARE]
ROOT_URLCONF = "benchmarks.peers.with_orbit_urls"
ENABLE_MONITORING = False
