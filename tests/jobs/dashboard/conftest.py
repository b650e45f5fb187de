"""Playwright runs its own loop in this thread; Django's guard against that would refuse the database to fixtures."""

import os

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
