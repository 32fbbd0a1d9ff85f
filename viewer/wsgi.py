from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db.backends.signals import connection_created

from viewer.deployment.database import set_up_for_pages


def _exit_with(parent: multiprocessing.process.BaseProcess) -> None:
    """End this worker if the server's main process was killed, so that its port becomes free.

    Granian's handler of SIGTERM is called rather than sent the signal: the signal is lost when it comes while the main
    thread begins to wait (CPython 3.11), and this worker would serve on.
    """
    parent.join()
    stop = signal.getsignal(signal.SIGTERM)
    if callable(stop):
        stop(signal.SIGTERM, None)
    else:
        os._exit(0)  # it does not serve yet


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "viewer.settings")
application = get_wsgi_application()
import_module(settings.ROOT_URLCONF)  # and with it all pages, which the first request would load
gc.collect()
gc.freeze()  # The collector would look through all of it again and again: for 40 ms at every twentieth search.
connection_created.connect(set_up_for_pages)  # only for pages: imports have no limit
if parent := multiprocessing.parent_process():
    threading.Thread(target=_exit_with, args=[parent], daemon=True).start()
