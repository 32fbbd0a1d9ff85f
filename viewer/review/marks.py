"""Words and URLs of what the team says of a conversation as a whole."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse

from viewer.archive.models import Label
from viewer.archive.search.query import read_query, with_operator


def label_url(label: Label) -> str:
    """Return the URL of the archived conversations that have a label."""
    return f"{reverse('search')}?{urlencode({'q': with_operator(read_query(''), 'label', label.name)})}"
