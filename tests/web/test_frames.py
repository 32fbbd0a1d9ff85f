"""Frames: a template that is drawn once for each shape of what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.template import Context, Template
from django.utils.safestring import mark_safe
from django.utils.translation import override

from viewer.web import frames

TEMPLATE = (
    '{% if name %}<b title="{{ name }}">{{ name }}</b> 100% {% endif %}'
    "{% for row in rows %}{{ row.text }}{% if row.is_new %}, new{% endif %};{% endfor %}"
    '{% if count > 1 %}{{ count }} {% translate "Messages" %}{% endif %}{{ html }}'
)
HOSTILE = ('"><script>', "%s %(a)s %%", "{{ name }}", "\ufff90\ufff9", "&amp;", "\u202e", "a'b")


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Draw what is given as a template, and list what was drawn by the engine."""
    drawn: list[str] = []

    def render(source: str, context: dict[str, Any]) -> str:
        drawn.append(source)
        return without_frames(source, **context)

    monkeypatch.setattr(frames, "render_to_string", render)
    monkeypatch.setattr(frames, "_frames", {})
    return drawn


def without_frames(source: str, **context: Any) -> str:
    return Template(source).render(Context(context))


def values(text: str, *, rows: int = 2, is_new: bool = True, count: int = 2) -> dict[str, Any]:
    listed = tuple({"text": f"{text}{n}", "is_new": is_new} for n in range(rows))
    return {"name": text, "rows": listed, "count": count, "html": mark_safe(f"<i>{len(text)}</i>")}


def test_a_frame_draws_what_its_template_draws_whatever_the_texts_say(drawn: list[str]) -> None:
    for text in (*HOSTILE, *HOSTILE):
        assert frames.draw(TEMPLATE, **values(text)) == without_frames(TEMPLATE, **values(text))
    assert drawn == [TEMPLATE]


@pytest.mark.parametrize(
    "other", [values(""), values("a", rows=1), values("a", is_new=False), values("a", count=1)], ids=str
)
def test_whatever_decides_what_is_drawn_has_a_frame_of_its_own(other: dict[str, Any]) -> None:
    frames.draw(TEMPLATE, **values("a"))
    assert frames.draw(TEMPLATE, **other) == without_frames(TEMPLATE, **other)


def test_each_language_has_its_own() -> None:
    frames.draw(TEMPLATE, **values("a"))
    with override("de"):
        assert frames.draw(TEMPLATE, **values("a")) == without_frames(TEMPLATE, **values("a"))
        assert "Nachrichten" in frames.draw(TEMPLATE, **values("a"))


@pytest.mark.parametrize("changed", ["{% load formats %}{{ name|visible }}", "{{ name|slice:'1:' }}"])
def test_a_template_that_changes_a_text_is_refused(changed: str) -> None:
    with pytest.raises(ValueError, match="only print"):
        frames.draw(changed, name="a")


def test_their_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "_MAX_FRAMES", 10)
    for count in range(50):
        frames.draw("{{ count }}", count=count)
        assert len(frames._frames) <= 10
