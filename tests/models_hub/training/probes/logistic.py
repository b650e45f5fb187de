"""Fits the quick classifier on a small problem with a known answer; prints what it found."""

import json

import torch

from models_hub.training.logistic import fit, fit_best

torch.manual_seed(0)
CENTRES = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 2.0]])
TRUTH = [row % 3 for row in range(90)]
POINTS = CENTRES[TRUTH] + torch.randn(90, 2) * 0.3


def gradient(strength: float) -> float:
    """The largest component of the objective's gradient where the fit stopped: zero at the optimum."""
    head = fit(POINTS, TRUTH, labels=3, strength=strength)
    weight, bias = head.weight.clone().requires_grad_(), head.bias.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(POINTS.double() @ weight.T + bias, torch.tensor(TRUTH))
    (loss + weight.square().sum() / (2 * strength * len(TRUTH))).backward()
    return max(float(weight.grad.abs().max()), float(bias.grad.abs().max()))


once, again = (fit(POINTS, TRUTH, labels=3, strength=1.0) for _ in range(2))
chosen = fit_best(POINTS, TRUTH, labels=3, judge=lambda head: 1.0)
print(
    json.dumps(
        {
            "right": sum(a == t for a, t in zip(once.answers(POINTS), TRUTH, strict=True)),
            "gradient": max(gradient(strength) for strength in (0.1, 1.0, 10.0, 100.0)),
            "same": bool(torch.equal(once.weight, again.weight) and torch.equal(once.bias, again.bias)),
            "of_equals": chosen.strength,
        }
    )
)
