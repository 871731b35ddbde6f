"""Work items, photos, comments and their history."""
