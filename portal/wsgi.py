"""What gunicorn serves, loaded before it forks (`--preload`).

Outside the embedded mode it refuses to serve while demonstration accounts exist.
"""

import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from accounts.checks import refuse_demonstration  # noqa: E402 - needs the applications to be loaded

refuse_demonstration()
# All pages' code is read here, once and before gunicorn forks: else each worker reads it while its first visitor waits.
import_module(settings.ROOT_URLCONF)
# No two workers may share a connection.
connections.close_all()
