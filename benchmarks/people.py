"""python -m benchmarks.people '{"viewer": 3}': makes people of these roles on DATA_DIR; prints who they are."""

from __future__ import annotations

import json
import os
import secrets
import sys
from io import StringIO


def main() -> None:
    """Print a JSON object of [name, password] pairs by role."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    from project import launch  # noqa: PLC0415  # the services of the running product first

    launch.join_running()
    import django  # noqa: PLC0415  # it reads the environment that was just joined

    django.setup()
    from django.contrib.auth.models import Group, User  # noqa: PLC0415  # after the settings
    from django.core.management import call_command  # noqa: PLC0415

    call_command("sync_roles", stdout=StringIO())
    told: dict[str, list[tuple[str, str]]] = {}
    for role, count in json.loads(sys.argv[1]).items():
        told[role] = []
        for number in range(count):
            name, password = f"load.{role}{number}", secrets.token_urlsafe(12)
            User.objects.create_user(name, password=password).groups.add(Group.objects.get(name=role))
            told[role].append((name, password))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
