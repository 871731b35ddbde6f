"""Berths and the boats in them."""

from django.db import models


class Berth(models.Model):
    """A place for a boat."""

    name = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.name


class Boat(models.Model):
    """A boat in a berth."""

    name = models.CharField(max_length=50)
    captain = models.CharField(max_length=50)
    berth = models.ForeignKey(Berth, on_delete=models.CASCADE)

    def __str__(self) -> str:
        return self.name
