"""Measures every page with every heavy completion, each in a process of its own: CPU, memory, and the size of the page.

`python -m tests.table_of_costs [SIZE [NAME …]] [/PAGE …]` prints a row for each; `!` marks one over 2 seconds or 200 MB. Figures of
one machine, to look at: the tests compare costs and have no figures.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from functools import partial

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from django.test import Client

from tests.costs import cost_of
from tests.heavy import HEAVY, PAGES, make_heavy
from viewer.archive.importing import import_lines
from viewer.archive.models import StoredCompletion


def _table(names: list[str], pages: list[str], size: int) -> Iterator[str]:
    call_command("migrate", verbosity=0)
    person, _ = User.objects.get_or_create(username="alice")
    reader = Client(SERVER_NAME="localhost", raise_request_exception=True)
    reader.force_login(person)

    def fetch(address: str, view: str) -> str:
        reader.cookies.load(view)
        answer = reader.get(address)
        length = sum(map(len, answer)) if answer.streaming else len(answer.content)
        return f"{answer.status_code if answer.status_code != 200 else ''} {length / 1000:.0f}k"

    def bring_in(line: bytes) -> str:
        return ", ".join(f"{told.status} {told.message}" for told in import_lines([line]))

    for name in names:
        StoredCompletion.objects.all().delete()
        line = json.dumps(make_heavy(name, size), ensure_ascii=False).encode()
        connections.close_all()
        seconds, memory, told = cost_of(partial(bring_in, line))
        yield f"{name:24} {'import':16} {seconds:6.2f} s {memory:6.0f} MB  {len(line) / 1e6:.1f} MB {told[:60]}"
        for page in pages:
            seconds, memory, told = cost_of(partial(fetch, *PAGES[page].partition("|")[::2]))
            mark = "!" if seconds > 2 or memory > 200 else " "
            yield f"{name:24} {page:16} {seconds:6.2f} s {memory:6.0f} MB {mark}{told}"


if __name__ == "__main__":
    size, *chosen = sys.argv[1:] or ["30"]
    names = [name for name in chosen if name in HEAVY] or [*HEAVY]
    pages = [page[1:] for page in chosen if page[0] == "/"] or [*PAGES]
    for row in _table(names, pages, int(size)):
        print(row, flush=True)  # noqa: T201
