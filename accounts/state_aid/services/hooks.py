"""What an event in the life of an award sets off: duties with a clock."""

from datetime import date
from importlib import import_module
from importlib.util import find_spec

from accounts.models import AidAward

DUTIES = "accounts.state_aid.duties.services"


def award_granted(row: AidAward, *, on: date) -> None:
    """Tell the beneficiary, enter it in the register, publish it: whatever the row's basis asks."""
    _call("open_duties", row, on)


def award_corrected(row: AidAward, *, on: date) -> None:
    """The register must learn of what was adjusted, lapsed or reversed."""
    _call("open_correction", row, on)


def _call(name: str, row: AidAward, on: date) -> None:
    if find_spec("accounts.state_aid.duties") is None:
        return
    act = getattr(import_module(DUTIES), name, None)
    if act is not None:
        act(award=row, on=on)
