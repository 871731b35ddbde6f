"""The registry's migrations on a filled database, forwards and backwards."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

INITIAL, INDEXES = ("accounts", "0001_initial"), ("accounts", "0002_add_indexes")
BEFORE_TAGS, BY_TAG = ("accounts", "0004_index_accounts_on_hold"), ("accounts", "0006_index_accounts_by_tag")
TABLE = "accounts_account"


def to(*targets):
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets))
    return executor.loader.project_state(list(targets)).apps


def indexes(table=TABLE):
    with connection.cursor() as cursor:
        return {name for name in connection.introspection.get_constraints(cursor, table) if name.startswith("ix_")}


@pytest.mark.both_dbs
@pytest.mark.req("A22")
def test_indexes_come_and_go_on_a_filled_table_without_losing_a_row(restored):
    apps = to(INITIAL)
    owner = apps.get_model("accounts", "Organization").objects.create(name="Office")
    apps.get_model("accounts", "Account").objects.bulk_create(
        apps.get_model("accounts", "Account")(organization=owner, platform="x", handle=f"h{i}", handle_key=f"h{i}")
        for i in range(1_000)
    )
    assert indexes() == set()
    apps = to(INDEXES)
    assert indexes() == {"ix_account_handle", "ix_account_organization", "ix_account_active"}
    apps = to(INITIAL)
    assert indexes() == set()
    assert apps.get_model("accounts", "Account").objects.count() == 1_000


@pytest.mark.both_dbs
def test_tags_come_and_go_on_a_filled_table_and_leave_the_accounts(restored):
    apps = to(BEFORE_TAGS)
    owner = apps.get_model("accounts", "Organization").objects.create(name="Office")
    apps.get_model("accounts", "Account").objects.create(organization=owner, platform="x", handle="a", handle_key="a")
    apps = to(BY_TAG)
    tag = apps.get_model("accounts", "Tag").objects.create(name="Flu", key="flu")
    tag.accounts.add(apps.get_model("accounts", "Account").objects.get())
    assert indexes("accounts_accounttag") == {"ix_account_tag_tag"}
    apps = to(BEFORE_TAGS)
    assert apps.get_model("accounts", "Account").objects.count() == 1
    assert not {"accounts_accounttag", "accounts_tag"} & set(connection.introspection.table_names())
