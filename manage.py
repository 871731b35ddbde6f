#!/usr/bin/env python
"""Django's command line for Tidemark."""

import os
import sys


def main() -> None:
    """Run the management command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    from project import launch

    if sys.argv[1:] == ["up"]:  # it makes the key and starts the services that the settings then find
        sys.exit(launch.up())
    try:
        if sys.argv[1:2] == ["restore"]:  # on a new machine it is the first command
            launch.take(launch.data_dir()).close()
            launch.make_key()
        launch.join_running()
    except launch.StartRefused as refusal:
        sys.exit(str(refusal))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
