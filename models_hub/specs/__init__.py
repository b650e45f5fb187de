"""The frozen words that travel between the portal and a site.

`JobSpec` says everything a site needs to run one fine-tuning job; `Manifest` and `Artefact` say what came out;
`Failure` names every way a job can end badly, with the sentence and the next step that people read; `Metric` names
what is measured. Standard library only: the portal, the agent and the training runtime all import this room.

A spec is validated in full when it is read (`JobSpec.from_json`): a site must never act on half-understood words.
Its canonical form (sorted keys, no blanks, UTF-8) is hashed; that hash names the job's exact meaning everywhere.
"""

from models_hub.specs.failures import Failure
from models_hub.specs.fields import SpecError, canonical_json
from models_hub.specs.job import (
    DATA_FORMATS,
    JOB_RESULT_SCHEMA,
    JOB_SPEC_SCHEMA,
    METHODS,
    METRICS,
    SCHEDULERS,
    SPLITS,
    BaseModel,
    Card,
    Data,
    Evaluation,
    JobSpec,
    Limits,
    Lora,
    Method,
    Metric,
    Recipe,
    Split,
    Train,
    headline,
)
from models_hub.specs.manifest import MANIFEST_SCHEMA, Artefact, Manifest

__all__ = [
    "DATA_FORMATS",
    "JOB_RESULT_SCHEMA",
    "JOB_SPEC_SCHEMA",
    "MANIFEST_SCHEMA",
    "METHODS",
    "METRICS",
    "SCHEDULERS",
    "SPLITS",
    "Artefact",
    "BaseModel",
    "Card",
    "Data",
    "Evaluation",
    "Failure",
    "JobSpec",
    "Limits",
    "Lora",
    "Manifest",
    "Method",
    "Metric",
    "Recipe",
    "SpecError",
    "Split",
    "Train",
    "canonical_json",
    "headline",
]
