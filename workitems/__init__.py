"""What crews saw and fixed: items, photos, review."""
