"""`python -m benchmarks NAME [options]`, which `./run bench` calls; without a name it lists the benchmarks."""

from __future__ import annotations

import os
import sys
import tempfile
from importlib import import_module

import django

BENCHMARKS = {
    "archive": "Measure importing, paging and searching in archives of 10,000 to 1,000,000 messages.",
    "compare": "Compare what Lectern costs with another commit, side by side.",
    "import": "Compare reading the formats of other tools with decoding the same bytes as JSON.",
    "proxy": "Compare the /v1 proxy and the pages with requesting the same upstream directly.",
    "read_log": "Measure the pages of a read log of a million rows, and what a row costs a page.",
    "reading": "Measure in Chromium how quickly conversations open and how smoothly they are read.",
    "rendering": "Measure what rendering a page of messages costs, in time and in memory.",
    "search": "Measure how well the search ranks labelled searches, beside plain full-text search.",
    "telemetry": "Measure taking in spans and joining them on one core, and what readers notice of it.",
    "screenshots": "Take the README's pictures from the real pages.",
}

_MODULES = {"import": "importing"}  # `import` is a word of the language


def main(arguments: list[str]) -> None:
    name, *options = arguments or ["--help"]
    if name in ("-h", "--help"):
        print(_list())
    elif name not in BENCHMARKS:
        sys.exit(f"{name!r} is not a benchmark.\n{_list()}")
    else:
        _run(name, options)


def _list() -> str:
    lines = [f"  {name:12} {sentence}" for name, sentence in BENCHMARKS.items()]
    return "\n".join(["usage: ./run bench NAME [options]    (NAME --help shows the options)", *lines])


def _run(name: str, options: list[str]) -> None:
    """Run one with Django set up on a throw-away folder, so that nobody's data directory is needed or touched."""
    with tempfile.TemporaryDirectory(prefix="lectern-benchmark-") as folder:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "viewer.settings", "DATA_DIR": folder}
        django.setup()
        import_module(f"benchmarks.{_MODULES.get(name, name)}").main(options)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
