"""What the clock calls is there: a name that nobody answers to would fail in silence, at night."""

from django.conf import settings

from portal.celery import app


def test_every_task_of_the_clock_is_known_to_the_workers():
    app.loader.import_default_modules()
    called = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert len(called) == len(settings.CELERY_BEAT_SCHEDULE)
    assert called <= set(app.tasks)
