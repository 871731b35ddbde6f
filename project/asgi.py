"""The ASGI entry, for servers that speak only ASGI; measured slower than WSGI here."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
application = get_asgi_application()

from django.conf import settings  # noqa: E402  # they have just been loaded

from project import answering  # noqa: E402

answering.watch(settings.DB_STATEMENT_TIMEOUT)
