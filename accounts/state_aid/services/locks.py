"""Who waits for whom: decisions for one undertaking one after the other, changes of groups alone.

Order, always: rows of the request, then the structure of undertakings (shared for decisions, exclusive for changes),
then the lock rows of every member sorted by State and id. One order, no deadlock.
"""

from collections.abc import Iterable

from django.db import connection, transaction

from accounts.models import AidLock, Organisation
from accounts.state_aid.keys import lock_id
from accounts.state_aid.services.undertakings import Undertaking, read_undertaking

# Any constant will do, as long as nobody else takes it: "aid" and the number of the article on single undertakings.
STRUCTURE = 0x61696422
# Limits that add up aid of all States are guarded by rows of their own.
ALL_STATES = "EU"


def lock_undertaking(*, granting_state: str, organisation: Organisation) -> Undertaking:
    """Makes everyone else who would grant for that State to any member of the group wait until this transaction ends.

    Call it once, last of all locks, before the check. Needs a transaction. The group it returns cannot change until
    the transaction ends, and includes whoever was ever a member: aid of former members may count too.
    """
    _needs_transaction()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [STRUCTURE])
    undertaking = read_undertaking(organisation)
    lock_rows((granting_state, ALL_STATES), undertaking.known)
    return undertaking


def lock_structure() -> None:
    """Waits until no decision is under way and holds off new ones: links and events change under this lock only."""
    _needs_transaction()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [STRUCTURE])


def lock_rows(states: Iterable[str], members: Iterable[str]) -> None:
    """Locks the rows of every (State, member), made where missing, in one order for everybody."""
    wanted = sorted((state, lock_id(member)) for state in set(states) for member in members)
    AidLock.objects.bulk_create(
        [AidLock(granting_state=state, undertaking=pk) for state, pk in wanted], ignore_conflicts=True
    )
    rows = AidLock.objects.filter(
        granting_state__in={state for state, _pk in wanted}, undertaking__in={pk for _state, pk in wanted}
    )
    list(rows.select_for_update().order_by("granting_state", "undertaking").values_list("pk", flat=True))


def _needs_transaction() -> None:
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("lock_undertaking needs the transaction of the grant")
