"""Every address of the product."""

from django.contrib import admin
from django.urls import path
from ninja import NinjaAPI

api = NinjaAPI(title="Tidemark", version="1")

urlpatterns = [
    path("api/", api.urls),
    path("admin/", admin.site.urls),
]
