"""Constant parts of templates: drawn once for each language, and the page as Django draws it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.template import Context, Engine, Template
from django.utils import translation

from viewer.web import constant_parts

LIBRARIES = {"i18n": "django.templatetags.i18n"}
BASE = '<a href="{% url "completions" %}">{% translate "Search" %}</a>{% block body %}{% endblock %}{{ last }}'
PAGE = """{% extends "base.html" %}{% load i18n %}{% block body %}
{% if name %}<p>{% translate "Close" %} &amp; {% translate "Search" %}</p>{{ name }}{% else %}<b>{% translate "Close" %}
</b>{% endif %}
{% translate "Close" as close %}{% url "completions" as list %}{{ close }}{{ list }}
{% for one in several %}{% translate "Search" %}{% url "conversation" one %}{% translate one %}{% endfor %}
{% translate "Close"|upper %}{% translate "It's <i>" %}{% autoescape off %}{% translate "It's <i>" %}{% endautoescape %}
{% endblock %}"""


@pytest.fixture
def page(tmp_path: Path) -> Template:
    (tmp_path / "base.html").write_text("{% load i18n %}" + BASE)
    (tmp_path / "page.html").write_text(PAGE)
    loaders = [("viewer.web.template_loader.Cached", ["viewer.web.template_loader.Loader"])]
    return Engine(dirs=[str(tmp_path)], loaders=loaders, libraries=LIBRARIES).get_template("page.html")


@pytest.fixture
def as_django(tmp_path: Path) -> Template:
    loaders = ["viewer.web.template_loader.Loader"]
    return Engine(dirs=[str(tmp_path)], loaders=loaders, libraries=LIBRARIES).get_template("page.html")


@pytest.mark.parametrize("name", ["", "<Ada>"])
def test_a_page_is_as_django_draws_it_in_every_language(page: Template, as_django: Template, name: str) -> None:
    for language in ("en", "de", "en"):
        with translation.override(language):
            for several in (["a", "Close"], []):
                values = {"name": name, "several": several, "last": f"{language} & "}
                assert page.render(Context(values)) == as_django.render(Context(values))


def test_what_is_constant_is_translated_once(page: Template, monkeypatch: pytest.MonkeyPatch) -> None:
    page.render(Context({"name": "Ada"}))
    monkeypatch.setattr(constant_parts.TranslateNode, "render", lambda *_: "translated again")
    assert page.render(Context({"name": "Ada"})).count("translated again") == 2  # the name of one, and a filter
