"""The states of a data set and the legal moves between them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.states import StateMachine


class DatasetState(models.TextChoices):
    UPLOADED = "uploaded", _("Waiting to be checked")
    CHECKING = "checking", _("Being checked")
    NEEDS_MAPPING = "needs_mapping", _("Tell us what the columns mean")
    READY = "ready", _("Ready")
    REJECTED = "rejected", _("Cannot be used")
    DELETED = "deleted", _("Deleted")


DATASET_MACHINE = StateMachine.of(
    "dataset",
    {
        DatasetState.UPLOADED: [DatasetState.CHECKING, DatasetState.DELETED],
        # Back to UPLOADED when a worker died in the middle: the sweep hands the check to another.
        DatasetState.CHECKING: [
            DatasetState.READY,
            DatasetState.REJECTED,
            DatasetState.NEEDS_MAPPING,
            DatasetState.UPLOADED,
            DatasetState.DELETED,
        ],
        DatasetState.NEEDS_MAPPING: [DatasetState.UPLOADED, DatasetState.DELETED],
        # A READY set may be mapped anew as long as no job has used it; the service checks that.
        DatasetState.READY: [DatasetState.UPLOADED, DatasetState.DELETED],
        DatasetState.REJECTED: [DatasetState.UPLOADED, DatasetState.DELETED],
        DatasetState.DELETED: [],
    },
)
