"""The template that tests copy: nobody waits for it without end, and what was left half-made is made anew."""

from __future__ import annotations

import zlib

import pytest
from django.conf import settings
from django.db import connection

from tests import databases

pytestmark = pytest.mark.django_db

NAME = "template_no_such_run"


@pytest.fixture
def server(monkeypatch):
    """A connection to the server, on which NAME is a template that nobody has made."""
    if connection.vendor == "sqlite":
        pytest.skip("a file's lock is the system's")
    monkeypatch.setenv("TEST_DATABASE_URL", "postgres:///no_such_run")
    with connection._nodb_cursor() as cursor:
        yield cursor
        cursor.execute(f'DROP DATABASE IF EXISTS "{NAME}"')


@pytest.fixture
def made(monkeypatch):
    """The names of the templates that were migrated: none really is."""
    names = []
    monkeypatch.setattr(databases, "_migrate", names.append)
    return names


def test_who_waits_for_a_template_too_long_is_told_whose_it_is(server, made, monkeypatch):
    monkeypatch.setattr(databases, "PATIENCE", 0.05)
    with connection._nodb_cursor() as holder:
        holder.execute("SELECT pg_backend_pid(), pg_advisory_lock(%s)", [zlib.crc32(NAME.encode())])
        [pid, _] = holder.fetchone()
        with pytest.raises(RuntimeError, match=rf"locked for 0.05 s; PostgreSQL's process: {pid}\.$"):
            databases._postgresql_template(server)
    assert databases._postgresql_template(server) == NAME  # its holder is gone, and so is the lock
    assert made == [NAME]


def test_nobody_waits_for_the_template_of_another_run(server, made, monkeypatch):
    monkeypatch.setattr(databases, "PATIENCE", 0.05)
    with connection._nodb_cursor() as other:
        databases._lock(other, "template_another_run")
        assert databases._postgresql_template(server) == NAME


def test_a_template_that_was_left_half_made_is_made_anew(server, made):
    server.execute(f'CREATE DATABASE "{NAME}"')
    databases._postgresql_template(server)
    databases._postgresql_template(server)
    assert made == [NAME]  # and what is whole is not


def test_a_second_copy_bears_the_name_of_the_first():
    assert databases._own_name() == connection.settings_dict["NAME"] == settings.DATABASES["default"]["NAME"]
