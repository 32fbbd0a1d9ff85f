"""What is drawn once is the same for everybody, and nobody's own can get into it."""

from __future__ import annotations

from django.template import Context, Template
from django.utils import translation

MENU = Template(
    "{% load drawn_once %}{% drawn_once may %}{% translate 'Archive' %}{{ user }}{{ may }}{% end_drawn_once %}"
)


def test_it_is_drawn_for_each_language_and_value_and_sees_nothing_else() -> None:
    for _ in range(2):
        for user in ("alice", "bob"):
            assert MENU.render(Context({"may": True, "user": user})) == "ArchiveTrue"
            assert MENU.render(Context({"may": lambda: False, "user": user})) == "ArchiveFalse"
            with translation.override("de"):
                assert MENU.render(Context({"may": True, "user": user})) == "ArchivTrue"
