"""Abstract rows every app builds on."""

import uuid
from typing import Any, ClassVar, Self

from django.db import models
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
            raise DomainError(
                "state_changed", _("Somebody else changed this a moment ago. Reload the page to see how it stands.")
            )
        self.state = new
        for name, value in fields.items():
            setattr(self, name, value)
        return self


def state_constraint(machine: StateMachine, name: str) -> models.CheckConstraint:
    """The database's own guard that a state is one of the machine's."""
    return models.CheckConstraint(condition=models.Q(state__in=sorted(machine.states)), name=name)
