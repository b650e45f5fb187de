"""The Celery application. Messages carry ids only; the rows in PostgreSQL hold the state."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(
    [
        "accounts",
        "models_hub.datasets",
        "jobs.execution",
        "jobs.applications",
        "jobs.ledger",
        "jobs.metering",
        "jobs.sites",
    ],
    related_name="tasks",
    force=False,
)
