"""Doorways from Celery into gathering."""
