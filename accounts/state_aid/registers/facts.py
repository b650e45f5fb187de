"""What registers may ask about an award, as plain texts; the beneficiary as it was on the day of the grant."""

import hashlib
from collections.abc import Iterable

from accounts.models import AidDuty, Organisation
from accounts.state_aid.registers.base import Facts
from accounts.state_aid.threads import Thread

# What access to machines below the market price is called in registers.
INSTRUMENTS = {"subsidised_services": "Subsidised services", "direct_grant": "Direct grant"}
OBJECTIVES = {
    "651/2014-22": "Aid for start-ups (Art. 22)",
    "651/2014-25": "Aid for research and development projects (Art. 25)",
    "651/2014-28": "Innovation aid for SMEs (Art. 28)",
    "651/2014-31": "Training aid (Art. 31)",
}


def facts_of(thread: Thread, duties: Iterable[AidDuty], *, pseudonyms: bool = False) -> Facts:
    """One award. With `pseudonyms` a natural person's name and numbers are replaced."""
    first, then = thread.first, thread.first.beneficiary
    organisation, scheme = first.organisation, first.scheme
    mine = [duty for duty in duties if duty.award == thread.award]
    corrections = [row for row in thread.rows if row.amount_eur < 0]

    def as_granted(name: str, now: str) -> str:
        return str(then.get(name) or now)

    facts = {
        "entry": thread.entry,
        "award": str(thread.award),
        "status": thread.status,
        "regime": first.regime,
        "regulation": first.regime.partition("-")[0],
        "state": first.granting_state,
        "authority": first.granting_authority,
        "instrument": INSTRUMENTS.get(first.instrument, first.instrument),
        "objective": as_granted("objective", OBJECTIVES.get(first.regime, "")),
        "scheme": scheme.title if scheme else "",
        "measure_reference": scheme.measure_reference if scheme else "",
        "granted_on": thread.granted_on.isoformat(),
        "amount_eur": str(thread.amount_eur),
        "granted_eur": str(thread.granted_eur),
        "corrected_on": corrections[-1].created_at.date().isoformat() if corrections else "",
        "beneficiary": as_granted("name", organisation.legal_name),
        "vat_number": as_granted("vat_number", organisation.vat_number),
        "euid": as_granted("euid", organisation.euid),
        "country": as_granted("country", organisation.country),
        "town": as_granted("city", organisation.city),
        "nuts2": as_granted("nuts2", organisation.nuts2),
        "size": as_granted("size", ""),
        "nace_code": as_granted("nace_code", organisation.nace_code),
        "nace_revision": as_granted("nace_revision", organisation.nace_revision),
        "natural_person": as_granted("natural_person", "yes" if organisation.is_natural_person else "no"),
        "register_reference": _reference(mine, AidDuty.Kind.REGISTER),
        "publication_due": "yes" if any(duty.kind == AidDuty.Kind.PUBLICATION for duty in mine) else "no",
    }
    facts["identifier_type"] = "VAT" if facts["vat_number"] else "EUID"
    facts["identifier"] = facts["vat_number"] or facts["euid"]
    if pseudonyms and facts["natural_person"] == "yes":
        return _hidden(facts, organisation)
    return facts


def _reference(duties: Iterable[AidDuty], kind: str) -> str:
    return next((duty.reference for duty in duties if duty.kind == kind and duty.reference), "")


def _hidden(facts: dict[str, str], organisation: Organisation) -> Facts:
    """The same award under a pseudonym (Article 6(2)): nothing in the file leads back to the person, and the same
    person keeps the same pseudonym, so that a register can still add up."""
    name = pseudonym(organisation)
    return {**facts, "beneficiary": name, "identifier_type": "PSEUDONYM", "identifier": name} | dict.fromkeys(
        ("vat_number", "euid", "town"), ""
    )


def pseudonym(organisation: Organisation) -> str:
    """Derived from the organisation's random id, which stands in no file: only this portal can lead it back."""
    return f"P-{hashlib.sha256(f'register pseudonym {organisation.pk}'.encode()).hexdigest()[:16].upper()}"
