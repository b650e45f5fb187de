"""Whether a fine-tune makes its maker the provider of a general-purpose AI model.

The Commission's guidelines of 18 July 2025: a modifier becomes a provider when the compute of the modification is more
than a third of the compute of the original training; where that is not known, a third of 1e25 FLOP for a model with
systemic risk, else of 1e23 FLOP.
"""

from dataclasses import dataclass

GUIDELINES = "C(2025) 5045, 18.7.2025"
GENERAL_PURPOSE_FLOP = 1e23
SYSTEMIC_RISK_FLOP = 1e25
SHARE = 3


@dataclass(frozen=True)
class Modification:
    """The outcome, with what it rests on. FLOP throughout."""

    flops: float
    threshold: float
    base_known: bool
    becomes_provider: bool
    presumed_systemic: bool

    @property
    def share(self) -> float:
        """Part of the threshold that this run reaches."""
        return self.flops / self.threshold


def assess_modification(*, flops: float, base_flops: float | None = None, systemic_risk: bool = False) -> Modification:
    """The test for one modification; `flops` is all compute of the run."""
    if flops < 0 or (base_flops is not None and base_flops <= 0):
        raise ValueError("compute is counted in positive FLOP")
    unknown = SYSTEMIC_RISK_FLOP if systemic_risk else GENERAL_PURPOSE_FLOP
    threshold = (base_flops or unknown) / SHARE
    beyond = flops > threshold
    return Modification(flops, threshold, base_flops is not None, beyond, beyond and systemic_risk)
