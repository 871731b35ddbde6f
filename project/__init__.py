"""The composition root: settings, sign-in, roles, tokens, audit and start-up."""

import os
import sys

# A version may have been started through a link that the next one takes over (/opt/tidemark, see docs/operations.md).
# What it imports later, in the middle of a request, still comes from where it began.
sys.path[:] = [folder and os.path.realpath(folder) for folder in sys.path]

from project.celery import app as celery_app  # noqa: E402  # all of it by those paths

__all__ = ["celery_app"]
