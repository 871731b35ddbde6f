"""Measuring tools the other apps use, and what they recorded."""
