"""The copies of the migrated database: nobody waits for ever, half of one is made anew, tests leave theirs clean."""

from __future__ import annotations

import zlib

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from project.models import AccessToken
from project.roles import Scope
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


@pytest.mark.both_dbs
@pytest.mark.parametrize("large", [databases.LARGE, -1])
def test_what_a_test_committed_is_taken_back(transactional_db, large, monkeypatch):
    monkeypatch.setattr(databases, "LARGE", large)
    roles = set(Group.objects.values_list("pk", "name"))
    assert roles
    AccessToken.objects.make(User.objects.create(username="left"), "behind", Scope.READ)
    Group.objects.get(name="viewer").permissions.clear()
    made = ContentType.objects.create(app_label="left", model="behind")
    ContentType.objects.get_for_id(made.pk)  # and keeps it
    databases.clean()
    with pytest.raises(ContentType.DoesNotExist):
        ContentType.objects.get_for_id(made.pk)
    assert not User.objects.exists()
    assert set(Group.objects.values_list("pk", "name")) == roles
    assert Group.objects.get(name="viewer").permissions.exists()


@pytest.mark.both_dbs
def test_a_table_that_a_test_left_is_gone(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE left_behind (id integer)")
    databases.clean()
    assert "left_behind" not in connection.introspection.table_names()
