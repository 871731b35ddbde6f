"""A project as `startproject` makes it, with perf in three lines: no Redis, no Celery, no setting of ours."""
