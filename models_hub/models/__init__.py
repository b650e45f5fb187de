"""What an organisation brings and makes: data sets and tuned models."""

from models_hub.models.dataset import Dataset, DatasetPart
from models_hub.models.tuned import TunedFile, TunedModel

__all__ = ["Dataset", "DatasetPart", "TunedFile", "TunedModel"]
