"""The rows of clocks that hold for a State: the built-in ones, then what administrators entered."""

import logging

from accounts.models import LegalParameter
from accounts.state_aid.duties.clocks import BUILT_IN, KEY, Clock, from_parameter

logger = logging.getLogger(__name__)


def clocks_of(state: str) -> tuple[Clock, ...]:
    """Later rows replace earlier ones for the same duty. One query."""
    entered = LegalParameter.objects.filter(key=KEY, state__in=("", state)).order_by(
        "state", "valid_from", "created_at"
    )
    return (*BUILT_IN, *(clock for row in entered if (clock := _read(row)) is not None))


def _read(row: LegalParameter) -> Clock | None:
    """A row that cannot be read changes nothing and is reported: the built-in clock goes on."""
    try:
        return from_parameter(row.value, valid_from=row.valid_from, valid_to=row.valid_to, source=row.source)
    except (ValueError, KeyError, TypeError, ArithmeticError):
        logger.exception("The clock of legal parameter %s cannot be read.", row.pk)
        return None
