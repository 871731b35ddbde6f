"""The WSGI entry: what the web server runs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django_application = get_wsgi_application()

from project.access import warmed  # noqa: E402  # these need the settings that have just been loaded
from project.bodies import Received  # noqa: E402
from project.seats import Seated  # noqa: E402

application = Received(Seated(warmed(django_application)))
