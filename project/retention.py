"""How long sign-ins, invitations and tokens are kept, and the one run that prunes all apps."""

from __future__ import annotations

from collections.abc import Iterator

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db.models import Q

from perf import expiring
from perf.clock import db_now
from perf.events import happened
from perf.expiring import Expired, before
from project.models import AccessToken, Invitation

PRUNE_SECONDS = 200.0  # of one daily round; what is left goes the next day
SIGN_IN_DAYS = 90  # the audit log has them for good, without addresses of pages and browsers
INVITATION_DAYS = 90  # they hold addresses and telephone numbers
TOKEN_DAYS = 400
PEOPLE = "with the person or the role"
KEPT = {
    "project.AuditEntry": "for good, and nobody can change it",
    "project.AuditSubject": "with its entry",
    "project.SignIn": "with its session",
    "otp_totp.TOTPDevice": "one a person, until they or an administrator remove it",
    "otp_static.StaticDevice": "with the authenticator that its recovery codes stand in for",
    "otp_static.StaticToken": "until it is used, or with its device",
    "axes.AccessAttemptExpiration": "with its attempt",
    "auth.User": "until an administrator deletes or erases it",
    "auth.Group": "one row a role",
    "auth.Permission": "one row a permission",
    "auth.Group_permissions": PEOPLE,
    "auth.User_groups": PEOPLE,
    "auth.User_user_permissions": PEOPLE,
    "contenttypes.ContentType": "one row a table",
}


def expired() -> Iterator[Expired]:
    """What would go now of people's traces."""
    yield Expired("sessions", 0, Session.objects.filter(expire_date__lt=db_now()))
    signing_in = {
        "counted failures to sign in": AccessAttempt,
        "failures to sign in": AccessFailureLog,
        "sign-ins": AccessLog,
    }
    for name, model in signing_in.items():
        yield Expired(name, SIGN_IN_DAYS, model.objects.filter(attempt_time__lt=before(SIGN_IN_DAYS)))
    invitations = Invitation.objects.filter(expires_at__lt=before(INVITATION_DAYS))
    yield Expired("invitations", INVITATION_DAYS, invitations)
    useless = Q(revoked_at__lt=before(TOKEN_DAYS)) | Q(expires_at__lt=before(TOKEN_DAYS))
    yield Expired("useless tokens", TOKEN_DAYS, AccessToken.objects.filter(useless))
    yield Expired(
        "edits in the administration", TOKEN_DAYS, LogEntry.objects.filter(action_time__lt=before(TOKEN_DAYS))
    )


def prune(seconds: float = PRUNE_SECONDS) -> dict[str, int]:
    """Delete what is expired in all apps; how many rows went, by name. On the record when any did."""
    gone = expiring.prune(seconds)
    if any(gone.values()):
        happened(None, "retention.pruned", "", {name: count for name, count in gone.items() if count})
    return gone
