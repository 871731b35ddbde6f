"""The product's addresses, and orbit's."""

from django.urls import include, path

from project import urls

urlpatterns = [*urls.urlpatterns, path("orbit/", include("orbit.urls"))]
