"""The WSGI entry: what the web server runs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django_application = get_wsgi_application()

from django.conf import settings  # noqa: E402  # they have just been loaded

from project import answering  # noqa: E402
from project.access import warmed  # noqa: E402
from project.bodies import Received  # noqa: E402
from project.seats import Seated  # noqa: E402
from project.sending import Sent  # noqa: E402

answering.watch(settings.DB_STATEMENT_TIMEOUT)
application = Received(Sent(warmed(Seated(django_application))))  # a warm answer needs no connection, hence no seat
