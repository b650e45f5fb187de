"""Rows that come from our curated records and may then be edited by an administrator."""

from django.db import models


class Curated(models.Model):
    """`seeded` holds what `catalog.seeding` wrote last, field by field. A value that differs from it was edited by a
    person, and the next seed leaves it alone. Rows a person created have an empty one and are never touched.
    """

    seeded = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        abstract = True
