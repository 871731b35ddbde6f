"""The product's addresses, and silk's, which its middleware looks for."""

from django.urls import include, path

from project import urls

urlpatterns = [*urls.urlpatterns, path("silk/", include("silk.urls", namespace="silk"))]
