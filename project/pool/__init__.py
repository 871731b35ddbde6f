"""The database backend of DB_POOL=1; project/settings.py names it and Django imports its `base`."""
