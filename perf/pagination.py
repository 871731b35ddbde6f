"""Pages of long lists: a Paginator whose links seek instead of counting through what they skip."""
