"""Tells an id or a URL, which open a conversation, from words to search for."""

from __future__ import annotations

import re

from viewer.archive.api import is_stored

# The path of our URLs, and OpenAI's prefixes of ids.
_ID_OR_URL = re.compile(r"\S*/completions/\S+|(?:chatcmpl-|resp_|conv_|msg_)\S+")


def is_id_or_url(text: str, reader: int) -> bool:
    """Whether a text names a conversation or message: by its form, or because it is the id of one that is stored."""
    return bool(text) and not re.search(r"\s", text) and bool(_ID_OR_URL.fullmatch(text) or is_stored(text, reader))
