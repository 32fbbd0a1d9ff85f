"""Pages as tests read them: as a browser takes them, for which the line breaks of our templates mean nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.test import Client

_TAG = re.compile(r"""(<!--.*?-->|</?[a-zA-Z!](?:"[^"]*"|'[^']*'|[^>"'])*>)""", re.DOTALL)
_AS_WRITTEN = re.compile(r"""<(pre|script|textarea)\b|<(div)\b[^>]*class="(?:text|prose)\b""")


class PageClient(Client):
    """A browser without JavaScript that gives pages flat."""

    def request(self, **request: Any) -> Any:
        answer = super().request(**request)
        if answer.get("Content-Type", "").startswith("text/html"):
            if answer.streaming:
                answer.streaming_content = _flat_at_last(answer.streaming_content)
            else:
                answer.content = flat(answer.content.decode())
        return answer


def _flat_at_last(pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield flat(b"".join(pieces).decode()).encode()


def flat(page: str) -> str:
    """Write each tag on one line, and leave out white space with a line break in it at the edges of texts.

    In elements that show white space, every character stays.
    """
    written, kept, depth = [], "", 0
    for n, piece in enumerate(_TAG.split(page)):
        if n % 2 and kept:
            depth += piece.startswith(f"<{kept}") - piece.startswith(f"</{kept}")
            kept = kept if depth else ""
        elif n % 2:
            piece = _on_one_line(piece)
            if found := _AS_WRITTEN.match(piece):
                kept, depth = found[1] or found[2], 1
        elif not kept:
            piece = re.sub(r"\s*\n\s*", " ", re.sub(r"^\s*\n\s*|\s*\n\s*$", "", piece))
        written.append(piece)
    return "".join(written)


def _on_one_line(tag: str) -> str:
    spaced = re.sub(r"""("[^"]*"|'[^']*')|\s+""", lambda found: found[1] or " ", tag)
    return re.sub(r" >$", ">", spaced)
