"""Who read a conversation, as its page shows them."""

from __future__ import annotations

from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from viewer.completions.invisibles import escape_invisible
from viewer.web.frames import draw
from viewer.web.templatetags.formats import ago, grouped, iso, utc_time

from .querying import Reader


def draw_reader(reader: Reader) -> SafeString:
    """Draw a person, when they read it last, and how often if more than once."""
    words = ngettext("(%(shown)s time)", "(%(shown)s times)", reader.times) % {"shown": grouped(reader.times)}
    return draw(
        "read_log/_reader.html",
        name=escape_invisible(reader.name),
        iso=iso(reader.last),
        utc=utc_time(reader.last),
        ago=ago(reader.last),
        times=words if reader.times > 1 else "",
    )
