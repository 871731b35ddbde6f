"""Schema history of scraping."""
