"""Abstract rows every app builds on."""

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from django.db import models, transaction
from django.utils.translation import gettext as _

from portal.kernel.errors import DomainError
from portal.kernel.states import StateMachine


class UUIDModel(models.Model):
    """A row whose id may stand in a URL: it tells a stranger nothing, not even how many there are."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    class Meta:
        abstract = True


class TimeStamped(models.Model):
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        abstract = True


class StatefulModel(models.Model):
    """A row with a `state` that changes by guarded UPDATE only, along its machine's table of moves."""

    machine: ClassVar[StateMachine]
    state: Any

    class Meta:
        abstract = True

    def move_to(self, new: str, **fields: Any) -> Self:
        """Moves this row to `new` if it is still in the state we saw, writing `fields` in the same UPDATE.

        Raises DomainError("illegal_move") for a move the table does not hold, and DomainError("state_changed")
        when somebody else moved the row first; in both cases nothing is written.
        """
        old = self.state
        if not self.machine.allows(old, new):
            raise DomainError(
                "illegal_move",
                _("This cannot be done any more: it is already %(state)s.") % {"state": self.get_state_display()},  # type: ignore[attr-defined]
            )
        changed = type(self)._default_manager.filter(pk=self.pk, state=old).update(state=new, **fields)
        if not changed:
            raise _somebody_was_faster()
        self.state = new
        for name, value in fields.items():
            setattr(self, name, value)
        return self

    @classmethod
    @transaction.atomic
    def move_together(cls, rows: Sequence[Self], new: str, **fields: Any) -> None:
        """As `move_to` for many rows, in one UPDATE for each state they are in: all of them move, or none.

        Raises what `move_to` raises; the rows in hand may then show a move that was taken back.
        """
        for old in sorted({row.state for row in rows}):
            together = [row for row in rows if row.state == old]
            if not cls.machine.allows(old, new):
                together[0].move_to(new)  # says what is not allowed
            keys = [row.pk for row in together]
            changed = cls._default_manager.filter(pk__in=keys, state=old).update(state=new, **fields)
            if changed != len(together):
                raise _somebody_was_faster()
            for row in together:
                row.state = new
                for name, value in fields.items():
                    setattr(row, name, value)


def _somebody_was_faster() -> DomainError:
    return DomainError(
        "state_changed", _("Somebody else changed this a moment ago. Reload the page to see how it stands.")
    )


def state_constraint(machine: StateMachine, name: str) -> models.CheckConstraint:
    """The database's own guard that a state is one of the machine's."""
    return models.CheckConstraint(condition=models.Q(state__in=sorted(machine.states)), name=name)
