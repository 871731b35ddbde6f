"""Template tags of scraping."""
