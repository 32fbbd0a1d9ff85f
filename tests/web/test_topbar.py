"""The bar on top of every page is drawn once for what readers have in common, and nobody's own is in another's."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import make_key
from tests.pages import attributes, has, texts
from viewer.accounts.roles import give_role

PAGE = "/shortcuts/"


def bar_of(person: User, **headers: str) -> str:
    browser = Client(headers=headers)
    browser.force_login(person)
    page = browser.get(PAGE).text
    return page[page.index('<header class="topbar">') : page.index("</header>")]


def test_each_reader_has_their_own_name_rights_and_form_token(alice: User, bob: User) -> None:
    bob.first_name = "<b>%s"
    bob.save()
    give_role(alice, "reader")
    give_role(bob, "administrator")
    tokens = set()
    for _ in range(2):
        for person, name, may in ((alice, "alice", False), (bob, "<b>%s", True)):
            bar = bar_of(person)
            assert texts(bar, ".menu__who") == [name]
            assert texts(bar, ".avatar") == [person.username[:2].upper()]
            assert has(bar, '[href="/import/"]') == has(bar, '[href="/people/"]') == may
            tokens |= set(attributes(bar, "value", "[name=csrfmiddlewaretoken]"))
    assert len(tokens) == 4
    assert "Freigaben" in bar_of(alice, **{"accept-language": "de"})


def test_it_names_the_sources_of_its_reader_and_the_chosen_one(alice: User, bob: User) -> None:
    make_key(alice, "work")
    key = make_key(bob, "home")
    for _ in range(2):
        assert texts(bar_of(alice), "[name=key]") == ["Archive", "work"]
        assert texts(bar_of(bob), "[name=key]") == ["Archive", "home"]
        assert texts(bar_of(bob), "[name=key][aria-current]") == ["Archive"]
    assert attributes(bar_of(bob), "value", "[name=key]") == ["", str(key.pk)]


@pytest.mark.django_db
def test_nobody_is_named_before_somebody_has_signed_in() -> None:
    assert not has(Client().get("/login/").text, ".account")
