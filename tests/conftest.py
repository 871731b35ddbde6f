"""What every test stands on: services, settings and marks."""

from __future__ import annotations

import os
import secrets

os.environ.setdefault("TIDEMARK_TESTING", "1")
os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(40))
if os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
if os.environ.get("TEST_REDIS_URL"):
    os.environ["REDIS_URL"] = os.environ["TEST_REDIS_URL"]
