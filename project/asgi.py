"""No ASGI entry: what limits bodies, readers and seats stands around the WSGI application alone."""

from django.core.exceptions import ImproperlyConfigured

raise ImproperlyConfigured("Tidemark speaks WSGI: let the server load project.wsgi:application, see project/wsgi.py.")
