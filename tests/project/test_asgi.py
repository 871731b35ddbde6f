from __future__ import annotations

import importlib

import pytest
from django.core.exceptions import ImproperlyConfigured


def test_no_server_gets_the_product_without_its_limits() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"project\.wsgi"):
        importlib.import_module("project.asgi")
