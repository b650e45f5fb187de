"""What the federation offers: open foundation models, sites and their hardware, rates, and ways to get access."""

from catalog.models.access_mode import AccessMode
from catalog.models.foundation_model import FoundationModel, StoredModel
from catalog.models.rate import RateCard
from catalog.models.site import Partition, Site

__all__ = ["AccessMode", "FoundationModel", "Partition", "RateCard", "Site", "StoredModel"]
