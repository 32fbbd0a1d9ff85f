from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application
from django.db.backends.signals import connection_created

from viewer.database import limit_statements

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "viewer.settings")
application = get_wsgi_application()
connection_created.connect(limit_statements)  # for pages alone: an import takes what it takes
