"""How many parameters a shape has, and how much memory the bare weights take. Pure: numbers in, numbers out.

Only what a catalogue needs to sort and compare models; what a *run* takes is worked out by `models_hub.estimate`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

GB = 1_000_000_000
# Bits a weight takes; four-bit storage keeps the word tables in 16 bit (QLoRA's double quantisation costs 0.127 bit).
BITS = {"fp32": 32.0, "bf16": 16.0, "int8": 8.0, "int4": 4.127}
PRECISIONS = tuple(BITS)
# What answering needs beside the weights: the texts being worked on and the program itself.
WORKING_SHARE = 0.2


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A transformer's shape. Several stacks (encoder and decoder) count their layers each, with cross attention."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int = 0
    tied_embeddings: bool = True
    mlp_matrices: int = 3
    output_layer: bool = True
    encoder_and_decoder: bool = False

    @property
    def linear_parameters(self) -> int:
        attention = 2 * self.hidden * self.heads * self.head_dim + 2 * self.hidden * self.kv_heads * self.head_dim
        layer = attention + self.mlp_matrices * self.hidden * self.intermediate
        return self.layers * (2 * layer + attention if self.encoder_and_decoder else layer)

    @property
    def table_parameters(self) -> int:
        """The table of words, twice where the output layer has one of its own."""
        return self.vocab * self.hidden * (2 if self.output_layer and not self.tied_embeddings else 1)

    @property
    def parameters(self) -> int:
        """N = L (2 h a d + 2 h k d + m h f) + tables + norms."""
        return self.linear_parameters + self.table_parameters + self.hidden * (2 * self.layers + 1)


def weights_gb(parameters: int, precision: str, *, table_parameters: int = 0) -> float:
    """GB (10^9 bytes) of the bare weights. In four bits the word tables stay as they were."""
    bits = BITS[precision]
    kept = table_parameters if precision == "int4" else 0
    return ((parameters - kept) * bits + kept * BITS["bf16"]) / 8 / GB


def by_precision(parameters: int, *, table_parameters: int = 0) -> Iterator[tuple[str, float]]:
    for precision in PRECISIONS:
        yield precision, weights_gb(parameters, precision, table_parameters=table_parameters)


def parameters_that_fit(memory_gb: float, precision: str = "bf16") -> int:
    """The most parameters whose weights, and the room to work, fit that much memory."""
    return int(memory_gb * GB * 8 / BITS[precision] / (1 + WORKING_SHARE))
