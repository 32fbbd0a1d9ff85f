"""The bar on top of every page, drawn once for what differs between readers, with their words and values put in."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString

from viewer.web.frames import draw

register = template.Library()


@register.simple_tag(takes_context=True)
def topbar(context: template.Context) -> SafeString:
    """Draw the bar from what the context processors give."""
    user = context.get("user")
    if user is None or not user.is_authenticated:
        return draw("_topbar.html", is_signed_in=False)
    name = user.get_username()
    return draw(
        "_topbar.html",
        is_signed_in=True,
        csrf_token=str(context.get("csrf_token", "")),
        path=context["request"].get_full_path(),
        search_text=context.get("search_text") or "",
        unread=str(context["unread"]()),
        user=name,
        full_name=user.get_full_name() or name,
        initials=name[:2].upper(),
        may_curate=_says(context, "may_curate"),
        may_administer=_says(context, "may_administer"),
        **_sources(context),
    )


def _says(context: template.Context, name: str) -> bool:
    """Whether a value is true, or what it returns, as a template would ask."""
    value = context.get(name)
    return bool(value() if callable(value) else value)


def _sources(context: template.Context) -> dict[str, Any]:
    """Describe the sources that a reader can choose between, and the chosen one; nothing where there is only one."""
    if len(context["all_sources"]) < 2:
        return {"sources": (), "chosen": ()}
    chosen = context["chosen_source"]
    sources = tuple(_described(one) | {"is_chosen": one == chosen} for one in context["all_sources"])
    return {"sources": sources, "chosen": _described(chosen)}


def _described(source: Any) -> dict[str, Any]:
    return {
        "key": str(source.key.pk) if source.key else "",
        "label": str(source.label),
        "is_archive": source.is_archive,
    }
