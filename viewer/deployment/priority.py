"""Lets those who read have the processor first while a command works beside the server."""

from __future__ import annotations

import atexit
import os
from contextlib import suppress
from pathlib import Path

from .data_dir import command

_BESIDE = {"backup_sqlite", "import_completions", "rebuild_search", "sync", "watch_folder", "work"}
_NICE = 10  # a tenth of the processor time of others, where there is not enough for all
_SESSION = Path("/proc/self/autogroup")


def give_way() -> None:
    """Let this process be nice, if it is a command that may take long beside the server.

    Linux can share the processor among sessions, such as terminals, before it looks at who is nice in each of them
    (`sched_autogroup_enabled`). So the session is made nice too, until this process ends.
    """
    if command() not in _BESIDE:
        return
    os.nice(_NICE)
    with suppress(OSError, ValueError):
        before = int(_SESSION.read_text().rpartition(" ")[2])
        _set_session(max(before, _NICE))
        atexit.register(_set_session, before)


def _set_session(nice: int) -> None:
    with suppress(OSError):
        _SESSION.write_text(str(nice))
