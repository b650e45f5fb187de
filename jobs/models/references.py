"""Numbers people quote on the telephone: REQ-2026-0187, ALC-2026-0142, JOB-2026-0031."""

from django.db import connection, models


class ReferenceCounter(models.Model):
    """The last number given out for each kind and year. One row is locked for the length of an insert."""

    kind = models.CharField(max_length=8)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["kind", "year"], name="one_counter_per_kind_year"),)

    def __str__(self) -> str:
        return f"{self.kind}-{self.year}-{self.last:04d}"


def next_reference(kind: str, *, year: int) -> str:
    """The next unused number of that kind in that year, e.g. next_reference("REQ", year=2026) -> "REQ-2026-0188"."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobs_referencecounter (kind, year, last) VALUES (%s, %s, 1) "
            "ON CONFLICT (kind, year) DO UPDATE SET last = jobs_referencecounter.last + 1 RETURNING last",
            [kind, year],
        )
        (number,) = cursor.fetchone()
    return f"{kind}-{year}-{number:04d}"
