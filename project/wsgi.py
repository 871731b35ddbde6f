"""The WSGI entry: what the web server runs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django_application = get_wsgi_application()

from project.access import warmed  # noqa: E402  # it needs the settings that have just been loaded

application = warmed(django_application)
