from datetime import timedelta

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations

from perf import clock

AT_ONCE = 500


def note(apps, schema_editor):
    """Give each session that somebody is signed in with its row; whoever left is asked to sign in again anyway."""
    sessions, people = apps.get_model("sessions", "Session"), apps.get_model("auth", "User")
    sign_ins, store, rows = apps.get_model("project", "SignIn"), SessionStore(), []
    known = set(people.objects.values_list("pk", flat=True))
    for session in sessions.objects.filter(expire_date__gt=clock.now()).iterator(chunk_size=AT_ONCE):
        said = store.decode(session.session_data)
        if int(said.get(SESSION_KEY, 0)) in known:
            lasts = timedelta(seconds=said.get("_session_expiry", settings.SESSION_COOKIE_AGE))
            rows.append(sign_ins(session=session, user_id=int(said[SESSION_KEY]), lasts=lasts))
    sign_ins.objects.bulk_create(rows, batch_size=AT_ONCE, ignore_conflicts=True)  # some may have theirs


class Migration(migrations.Migration):
    dependencies = [("project", "0007_sign_ins"), ("sessions", "0001_initial")]
    operations = [migrations.RunPython(note, migrations.RunPython.noop)]
