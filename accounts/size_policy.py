"""What the law leaves to the portal about size statements: dated settings, with the careful reading as the default.

An administrator changes them by a `LegalParameter` with the key "sme"; what such a row leaves out keeps its default.
"""

from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from accounts.sme.graph import ChangeMode
from accounts.state_aid.models import LegalParameter

KEY = "sme"


@dataclass(frozen=True)
class SizePolicy:
    """How long a statement of size lasts, and how a contested question is read.

    approved_after_days    Art 4(1) speaks of the latest approved accounts: so many days after a closing we ask again.
                           Six months is what most Member States give a small company to approve its accounts
    grace_days             so long after we asked, the old statement still counts
    ownership_change_mode  how a lasting change of ownership meets the two-year rule (Art 4(2)); contested between the
                           Commission's guide and T-745/17, so a person looks unless an administrator chose a reading
    """

    approved_after_days: int = 180
    grace_days: int = 90
    ownership_change_mode: ChangeMode = ChangeMode.REVIEW


def size_policy_on(day: date) -> SizePolicy:
    """The settings of that day."""
    row = (
        LegalParameter.objects.filter(key=KEY, state="", valid_from__lte=day)
        .filter(Q(valid_to=None) | Q(valid_to__gte=day))
        .order_by("-valid_from", "-created_at")
        .first()
    )
    given = row.value if row and isinstance(row.value, dict) else {}
    default = SizePolicy()
    return SizePolicy(
        approved_after_days=int(given.get("approved_after_days", default.approved_after_days)),
        grace_days=int(given.get("grace_days", default.grace_days)),
        ownership_change_mode=ChangeMode(given.get("ownership_change_mode", default.ownership_change_mode)),
    )
