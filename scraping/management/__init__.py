"""Commands of scraping."""
