from __future__ import annotations

import multiprocessing
import os
import signal
import threading

from django.core.wsgi import get_wsgi_application
from django.db.backends.signals import connection_created

from viewer.deployment.database import limit_statements


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
    """End when the server's first process was killed, so that its port is free for the next."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "viewer.settings")
application = get_wsgi_application()
connection_created.connect(limit_statements)  # for pages alone: an import takes what it takes
if parent := multiprocessing.parent_process():
    threading.Thread(target=_end_with, args=[parent], daemon=True).start()
