"""How much of a machine serves the economy: at most a fifth, so that its own funding stays outside aid rules.

Recital 49 of Regulation 651/2014 and the R&D&I Framework 2022/C 414/01: economic use of up to 20 % of the yearly
overall capacity is ancillary. The thresholds are a dated row of law (`regimes.ANCILLARY`).
"""

from decimal import Decimal
from enum import StrEnum

from accounts.state_aid.case import Law
from accounts.state_aid.regimes import ANCILLARY


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    ALARM = "alarm"


def meter(economic: Decimal | int, capacity: Decimal | int, law: Law = ANCILLARY) -> tuple[Decimal, Level]:
    """Economic use as a share (0 to 1) of the capacity available that year, in any one unit, and how near the limit.

    From the first threshold on people are warned, from the second they are alarmed. Without capacity any use alarms.
    """
    if capacity <= 0:
        return (Decimal(1), Level.ALARM) if economic > 0 else (Decimal(0), Level.OK)
    share = Decimal(economic) / Decimal(capacity)
    if share * 100 >= Decimal(law.terms["alarm_percent"]):
        return share, Level.ALARM
    return share, Level.WARN if share * 100 >= Decimal(law.terms["warn_percent"]) else Level.OK
