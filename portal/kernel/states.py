"""State machines as data: every legal move stands in one table beside the states it joins."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class StateMachine:
    """The table of legal moves of one kind of thing. States are plain strings (the values of a TextChoices)."""

    name: str
    moves: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, name: str, moves: Mapping[str, Iterable[str]]) -> "StateMachine":
        table = {str(state): frozenset(str(target) for target in targets) for state, targets in moves.items()}
        unknown = {target for targets in table.values() for target in targets} - table.keys()
        if unknown:
            raise ValueError(f"{name}: moves lead to states without a row: {', '.join(sorted(unknown))}")
        return cls(name=name, moves=table)

    @property
    def states(self) -> frozenset[str]:
        return frozenset(self.moves)

    @property
    def final(self) -> frozenset[str]:
        """States that nothing leads out of."""
        return frozenset(state for state, targets in self.moves.items() if not targets)

    def allows(self, old: str, new: str) -> bool:
        return str(new) in self.moves.get(str(old), frozenset())
