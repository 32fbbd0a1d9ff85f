"""Compares reading and indexing the formats with decoding the same bytes as JSON, and with the fine-tuning format.

Everything of an import is measured except the statements of the database, which are the same for every format. The
fine-tuning format has the very same conversations as the file that it is compared with.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from viewer.archive.importing import record_or_reason
from viewer.completions.origin import KEY
from viewer.formats.document import Conversation
from viewer.formats.reading import Reading

_FILES = Path(__file__).parent.parent / "tests" / "formats" / "files"


def main(arguments: list[str]) -> None:
    """Print a row for each file: messages a second, and the ratios."""
    parser = argparse.ArgumentParser(prog="./run bench import", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000, help="of each format")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    options = parser.parse_args(arguments)
    print(f"{'file':44} {'messages/s':>10}   of json.loads   of fine-tuning")
    for path in sorted(_FILES.iterdir()):
        if path.is_file() and (found := _conversations(path.name, path.read_bytes())):
            count = sum(len(one.messages) + 1 for one in found)
            _compare(path.name, path.read_bytes(), _as_tuning(found), (count, options.messages, options.rounds))


def _compare(name: str, content: bytes, tuning: bytes, size: tuple[int, int, int]) -> None:
    """Measure the three in turns. `size` is how many messages the file has, how many to read, and the rounds."""
    count, messages, rounds = size
    times = max(1, messages // count)
    runs = (partial(_read, name, content, times), partial(_decode, content, times), partial(_read, "", tuning, times))
    seconds = [[_seconds(run) for run in runs] for _ in range(rounds)]
    ours, plain, tuned = (statistics.median(column) for column in zip(*seconds, strict=True))
    print(f"{name:44} {count * times / ours:10,.0f} {plain / ours:15.3f} {tuned / ours:16.2f}", flush=True)


def _as_tuning(found: list[Conversation]) -> bytes:
    return b"\n".join(json.dumps({"messages": _messages(one)}, ensure_ascii=False).encode() for one in found)


def _messages(conversation: Conversation) -> list[dict[str, Any]]:
    choices = json.loads(dict(conversation.fields)["choices"].source)
    messages = [json.loads(source) for source in conversation.messages] + [choice["message"] for choice in choices[:1]]
    return [{name: value for name, value in message.items() if name != KEY} for message in messages]


def _read(name: str, content: bytes, times: int) -> None:
    for _ in range(times):
        for one in _conversations(name, content):
            record_or_reason(one)


def _conversations(name: str, content: bytes) -> list[Conversation]:
    reading = Reading()
    found = [*reading.file(name, io.BytesIO(content)), *reading.rest()]
    return [one for one in found if isinstance(one, Conversation)]


def _decode(content: bytes, times: int) -> None:
    """Decode as JSON, or line by line; of what is neither only the lines that are JSON."""
    for _ in range(times):
        try:
            json.loads(content)
        except ValueError:
            for line in content.splitlines():
                with suppress(ValueError):
                    json.loads(line)


def _seconds(run: Callable[[], object]) -> float:
    """Return the processor time of a run in seconds."""
    began = time.process_time()
    run()
    return time.process_time() - began
