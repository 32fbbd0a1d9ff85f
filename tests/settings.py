"""The project's own settings, on a data folder that is thrown away, with cheap passwords and unhashed static files."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

if "DATA_DIR" not in os.environ:
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="lectern-tests-")
    atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)

# Each of the parallel processes has a folder and a Redis database of its own: they do not count together.
worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
if not os.environ["DATA_DIR"].endswith(f"/{worker}"):
    os.environ["DATA_DIR"] += f"/{worker}"
if os.environ.get("CACHE_URL", "").startswith("redis://"):
    os.environ["CACHE_URL"] = f"{os.environ['CACHE_URL'].rpartition('/')[0]}/{worker.removeprefix('gw')}"

from viewer.settings import *  # noqa: F403
from viewer.settings import DATA_DIR, DATABASES

# A file, not memory: the journal, the locks and the query plans are those of a real archive.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
