"""What the registry tells the apps above it."""

from django.dispatch import Signal

accounts_changed = Signal()
"""Sent by every write to accounts, in its transaction.

Arguments: ids (list of account ids), fields (set of changed field names; {"created"} or {"deleted"} too),
old_handles (dict id → (platform, old handle_key)).
"""
