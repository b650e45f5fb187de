"""Multinomial logistic regression on fixed features: the quick classifier, and the honest measure for the slow one.

Convex and without chance: the same features give the same answer. The strength of the penalty is chosen on the
validation part, never on the test part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

STRENGTHS = (0.1, 1.0, 10.0, 100.0)


@dataclass(frozen=True, kw_only=True)
class Linear:
    """`weight` (labels × features) and `bias` (labels), in float64; `strength` is the inverse penalty that won."""

    weight: Any
    bias: Any
    strength: float

    def answers(self, features: Any) -> list[int]:
        answers: list[int] = (features.to(self.weight) @ self.weight.T + self.bias).argmax(1).tolist()
        return answers


def fit(features: Any, truth: list[int], *, labels: int, strength: float) -> Linear:
    """Minimise mean cross-entropy + |W|² / (2 · strength · rows), the bias unpenalised, by L-BFGS from zero."""
    import torch

    inputs = features.double()
    targets = torch.tensor(truth, device=inputs.device)
    weight = torch.zeros(labels, inputs.shape[1], dtype=inputs.dtype, device=inputs.device, requires_grad=True)
    bias = torch.zeros(labels, dtype=inputs.dtype, device=inputs.device, requires_grad=True)
    solver = torch.optim.LBFGS(
        [weight, bias], max_iter=300, tolerance_grad=1e-6, tolerance_change=1e-10, line_search_fn="strong_wolfe"
    )

    def objective() -> Any:
        solver.zero_grad()
        loss = torch.nn.functional.cross_entropy(inputs @ weight.T + bias, targets)
        loss = loss + weight.square().sum() / (2 * strength * len(truth))
        loss.backward()
        return loss

    solver.step(objective)
    return Linear(weight=weight.detach(), bias=bias.detach(), strength=strength)


def fit_best(
    features: Any,
    truth: list[int],
    *,
    labels: int,
    judge: Callable[[Linear], float],
    strengths: tuple[float, ...] = STRENGTHS,
) -> Linear:
    """The fit that `judge` likes best; of equals the one with the stronger penalty."""
    best: tuple[float, Linear] | None = None
    for strength in strengths:
        candidate = fit(features, truth, labels=labels, strength=strength)
        score = judge(candidate)
        if best is None or score > best[0]:
            best = (score, candidate)
    assert best is not None
    return best[1]
