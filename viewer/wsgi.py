from __future__ import annotations

import multiprocessing
import os
import signal
import threading

from django.core.wsgi import get_wsgi_application
from django.db.backends.signals import connection_created

from viewer.deployment.database import set_up_for_pages


def _exit_with(parent: multiprocessing.process.BaseProcess) -> None:
    """End this worker if the server's main process was killed, so that its port becomes free."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "viewer.settings")
application = get_wsgi_application()
connection_created.connect(set_up_for_pages)  # only for pages: imports have no limit
if parent := multiprocessing.parent_process():
    threading.Thread(target=_exit_with, args=[parent], daemon=True).start()
