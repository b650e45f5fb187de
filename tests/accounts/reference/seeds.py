"""One place where chance enters, so that a seed is a case."""

from random import Random


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 nothing secret hangs on it
