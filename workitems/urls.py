"""Addresses of the pages of work items. What stands where a number stands is in numbers.RESERVED."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from workitems import crew_views


class NumberConverter(StringConverter):
    """An item's number, as workitems.numbers.code takes it."""

    regex = "[A-Za-z0-9_-]{1,50}"


register_converter(NumberConverter, "number")
app_name = "workitems"

urlpatterns: list[URLPattern] = [
    path("new/", crew_views.new, name="new"),
    path("<number:number>/edit/", crew_views.edit, name="edit"),
    path("<number:number>/receipt/", crew_views.receipt, name="receipt"),
]
