"""What gunicorn serves, loaded before it forks (`--preload`).

Outside the embedded mode it refuses to serve while demonstration accounts exist.
"""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from django.db import connections  # noqa: E402 - these need the applications to be loaded
from django.urls import get_resolver  # noqa: E402

from accounts.checks import refuse_demonstration  # noqa: E402

refuse_demonstration()
# All pages' code is read here, once and before gunicorn forks: else each worker reads it while its first visitor waits.
get_resolver().url_patterns  # noqa: B018 - read for what reading does
# No two workers may share a connection.
connections.close_all()
