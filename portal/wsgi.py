"""What gunicorn serves. Outside the embedded mode it refuses to serve while demonstration accounts exist."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from accounts.checks import refuse_demonstration  # noqa: E402 - needs the applications to be loaded

refuse_demonstration()
