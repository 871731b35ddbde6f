"""Addresses of the pages of work items. What stands where a number stands is in numbers.RESERVED."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "workitems"

urlpatterns: list[URLPattern] = []
