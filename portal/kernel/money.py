"""Euro amounts are Decimal and are rounded here and nowhere else; GPU time is integer seconds."""

from decimal import ROUND_HALF_EVEN, Decimal

SECONDS_PER_HOUR = 3600
CENT = Decimal("0.01")


def euro(amount: Decimal) -> Decimal:
    """The amount in EUR, rounded half to even to the cent."""
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def gpu_seconds_value(gpu_seconds: int, eur_per_gpu_hour: Decimal) -> Decimal:
    """What that much GPU time is worth in EUR at that hourly rate."""
    return euro(Decimal(gpu_seconds) * eur_per_gpu_hour / SECONDS_PER_HOUR)


def hours_to_seconds(gpu_hours: Decimal | int) -> int:
    """Whole GPU-seconds in that many GPU-hours; a fraction of a second is dropped, never invented."""
    return int(Decimal(gpu_hours) * SECONDS_PER_HOUR)


def seconds_to_hours(gpu_seconds: int) -> Decimal:
    """GPU-hours with two decimals, for people to read. Arithmetic stays in seconds."""
    return (Decimal(gpu_seconds) / SECONDS_PER_HOUR).quantize(CENT, rounding=ROUND_HALF_EVEN)
