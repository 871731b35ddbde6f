"""Access tokens, the audit log and invitations."""
