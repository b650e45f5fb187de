"""What a model looks like inside: the numbers from which memory and compute follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Shape:
    """A transformer's shape, as in its `config.json` and in our catalogue records.

    `mlp_matrices` is 3 for a gated MLP (gate, up, down) and 2 for a plain one. `tied` means that the output layer
    reuses the embedding. `head` is false for encoders, which have no output layer over the vocabulary.
    """

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    vocabulary: int
    head_size: int = 0
    tied: bool = False
    mlp_matrices: int = 3
    context: int | None = None
    head: bool = True

    def __post_init__(self) -> None:
        for name in ("layers", "hidden", "intermediate", "heads", "kv_heads", "vocabulary"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.mlp_matrices not in (2, 3):
            raise ValueError("mlp_matrices must be 2 or 3")
        if not self.head_size:
            object.__setattr__(self, "head_size", self.hidden // self.heads)

    @classmethod
    def from_record(cls, record: Mapping[str, Any], *, head: bool | None = None) -> Self:
        """From a catalogue record (the keys of the model data: layers, hidden, intermediate, heads, …)."""
        if head is None:
            head = str(record.get("task", "text-generation")) == "text-generation"
        return cls(
            layers=int(record["layers"]),
            hidden=int(record["hidden"]),
            intermediate=int(record["intermediate"]),
            heads=int(record["heads"]),
            kv_heads=int(record.get("kv_heads") or record["heads"]),
            vocabulary=int(record["vocab"]),
            head_size=int(record.get("head_dim") or 0),
            tied=bool(record.get("tied_embeddings", False)),
            mlp_matrices=int(record.get("mlp_matrices") or 3),
            context=int(record["context"]) if record.get("context") else None,
            head=head,
        )

    @property
    def query_width(self) -> int:
        return self.heads * self.head_size

    @property
    def key_width(self) -> int:
        return self.kv_heads * self.head_size

    def linears(self) -> tuple[tuple[int, int], ...]:
        """(inputs, outputs) of every linear map in one layer: query, key, value, output, then the MLP."""
        attention = (
            (self.hidden, self.query_width),
            (self.hidden, self.key_width),
            (self.hidden, self.key_width),
            (self.query_width, self.hidden),
        )
        mlp = ((self.hidden, self.intermediate),) * (self.mlp_matrices - 1) + ((self.intermediate, self.hidden),)
        return attention + mlp

    @property
    def linear_parameters(self) -> int:
        return self.layers * sum(inputs * outputs for inputs, outputs in self.linears())

    @property
    def embedding_parameters(self) -> int:
        """One vocabulary x hidden table; an untied output layer is a second one."""
        return self.vocabulary * self.hidden

    @property
    def tables(self) -> int:
        return 2 if self.head and not self.tied else 1

    @property
    def parameters(self) -> int:
        norms = self.hidden * (2 * self.layers + 1)
        return self.linear_parameters + self.embedding_parameters * self.tables + norms

    def adapter_parameters(self, rank: int) -> int:
        """LoRA on every linear map: two thin matrices each."""
        return self.layers * sum(rank * (inputs + outputs) for inputs, outputs in self.linears())

    @property
    def multiplied_parameters(self) -> int:
        """What one token is multiplied with: the lookup of its embedding is free, the output layer is not."""
        return self.linear_parameters + (self.embedding_parameters if self.head else 0)
