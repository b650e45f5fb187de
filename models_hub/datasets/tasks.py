"""What a worker does with data sets. Messages carry ids; the rows say what is to be done."""

from celery import shared_task

from models_hub.datasets import checking
from portal.kernel.clock import now


@shared_task(name="models_hub.datasets.check")
def check_dataset(dataset_id: str) -> None:
    checking.check_now(dataset_id=dataset_id, clock=now)


@shared_task(name="models_hub.datasets.sweep")
def sweep() -> None:
    """Every half minute: what a dead worker left, what nobody told us of, what is to be deleted."""
    for dataset_id in checking.sweep(clock=now):
        check_dataset.delay(str(dataset_id))
