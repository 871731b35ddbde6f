"""Accounts that earlier entries name are linked to them, so that their pages show what was done before."""

from itertools import chain, islice

from django.db import migrations

AT_ONCE = 400


def link(apps, schema_editor):
    entries = apps.get_model("project", "AuditEntry").objects.filter(action__startswith="accounts.").order_by("pk")
    subjects = apps.get_model("project", "AuditSubject")
    rows = chain.from_iterable(
        (subjects(entry_id=pk, account_id=account) for account in named(detail))
        for pk, detail in entries.values_list("pk", "detail").iterator(chunk_size=AT_ONCE)
    )
    while part := list(islice(rows, AT_ONCE)):
        subjects.objects.bulk_create(part, ignore_conflicts=True)


def named(detail):
    ids = detail.get("ids", [detail["id"]] if "id" in detail else [])
    return sorted({pk for pk in ids if isinstance(pk, int)})


class Migration(migrations.Migration):
    dependencies = [("project", "0003_whom_audit_entries_are_about")]

    operations = [migrations.RunPython(link, migrations.RunPython.noop)]
