"""Labels, status and assignee of a conversation: who changes them, where they are shown, and what lists find by them."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.conftest import make_completion, say
from tests.pages import attributes, completion_ids, element, has, problems, texts, visible
from viewer.accounts.roles import READER, give_role
from viewer.archive.labels import COLOURS, Marks, marks_of, set_marks
from viewer.archive.models import CompletionLabel, Label

Store = Callable[..., Any]
ONE = "/completions/chatcmpl-one/"


@pytest.fixture
def conversations(stored: Store) -> None:
    names = ("one", "two", "three")
    stored(*(make_completion(f"chatcmpl-{name}", say("user", f"Refund {name}")) for name in names))


@pytest.fixture
def curator(db: None) -> Client:
    person, client = User.objects.create_user("carol"), Client()
    person.groups.add(Group.objects.get_or_create(name="curator")[0])
    client.force_login(person)
    return client


def make_label(name: str, colour: str = "blue") -> Label:
    return Label.objects.create(name=name, key=name.lower(), colour=colour)


def opened(client: Client, address: str, **params: str) -> str:
    answer = client.get(address, params)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def found(client: Client, query: str) -> set[str]:
    return {one.removeprefix("chatcmpl-") for one in completion_ids(opened(client, "/search/", q=query))}


def form_of(client: Client) -> dict[str, Any]:
    """Return what a browser would send of the form as it stands."""
    page = opened(client, f"{ONE}labels/")
    return {
        "labels": attributes(page, "value", "[name=labels][checked]"),
        "status": attributes(page, "value", "[name=status][checked]")[0],
        "assignee": (attributes(page, "value", "[name=assignee] option[selected]") or [""])[0],
        "version": attributes(page, "value", "form [name=version]")[0],
    }


def test_everybody_puts_labels_on_and_sets_status_and_assignee(reader: Client, bob: User, conversations: None) -> None:
    urgent, other = make_label("Urgent"), make_label("Other")
    sent = form_of(reader) | {"labels": [urgent.pk], "status": "escalated", "assignee": bob.pk}
    assert reader.post(f"{ONE}labels/", sent)["Location"] == ONE
    shown = visible(element(opened(reader, ONE), "[data-marks]"))
    assert shown.startswith("Escalated Urgent Assignee: @bob")
    row = element(opened(reader, "/completions/"), '[data-completion-id="chatcmpl-one"]')
    assert visible(element(row, ".row__marks")) == "Escalated Urgent Assignee: @bob"
    sent = form_of(reader)
    assert (sent["labels"], sent["status"], sent["assignee"]) == ([str(urgent.pk)], "escalated", str(bob.pk))
    reader.post(f"{ONE}labels/", sent | {"labels": [other.pk], "status": "", "assignee": ""})
    assert marks_of("chatcmpl-one") == Marks((other,))


def test_what_was_changed_elsewhere_is_not_replaced_unasked(reader: Client, bob: User, conversations: None) -> None:
    sent = form_of(reader) | {"status": "open"}
    set_marks("chatcmpl-one", Marks((), "reviewed", bob))
    answer = reader.post(f"{ONE}labels/", sent)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert problems(page) == ["marks"]
    assert "Reviewed" in texts(page, ".status")
    assert attributes(page, "value", "[name=status][checked]") == ["open"]
    version = attributes(page, "value", "form [name=version]")[0]
    assert reader.post(f"{ONE}labels/", sent | {"version": version}).status_code == 302


def test_a_conversation_that_cannot_be_read_shows_and_takes_no_marks(reader: Client, db: None) -> None:
    set_marks("chatcmpl-away", Marks((make_label("Secret"),), "open", None))
    for answer in (reader.get("/completions/chatcmpl-away/labels/"), reader.post("/completions/chatcmpl-away/labels/")):
        assert answer.status_code == 404
        assert "Secret" not in answer.content.decode()
    assert marks_of("chatcmpl-away").status == "open"


def test_somebody_who_left_is_not_offered_but_stays_assigned(
    reader: Client, bob: User, mallory: User, conversations: None
) -> None:
    set_marks("chatcmpl-one", Marks((), "", bob))
    User.objects.exclude(username="alice").update(is_active=False)
    page = opened(reader, f"{ONE}labels/")
    assert attributes(page, "value", "[name=assignee] option[selected]") == [str(bob.pk)]
    assert str(mallory.pk) not in attributes(page, "value", "[name=assignee] option")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("label:urgent", {"one", "two"}),
        ('label:"Second Level"', {"one"}),
        ("label:urgent -label:second_level", {"one", "two"}),
        ('label:urgent -label:"second level"', {"two"}),
        ("label:nothing", set()),
        ("status:escalated", {"one"}),
        ("-status:escalated", {"two", "three"}),
        ("status:none", {"two", "three"}),
        ("-status:none", {"one"}),
        ("assignee:me", {"one"}),
        ("assignee:ALICE", {"one"}),
        ("assignee:bob", {"two"}),
        ("-assignee:bob", {"one", "three"}),
        ("assignee:nobody", {"three"}),
        ("-assignee:nobody", {"one", "two"}),
        ("refund label:urgent", {"one", "two"}),
        ('"refund two" label:urgent', {"two"}),
        ("refund -label:urgent", {"three"}),
        ("refund assignee:me status:escalated", {"one"}),
    ],
)
@pytest.mark.parametrize("many", [20_000, 1])
def test_lists_are_filtered_by_what_the_team_says_be_it_of_few_or_of_many(
    reader: Client,
    alice: User,
    bob: User,
    conversations: None,
    query: str,
    expected: set[str],
    many: int,
    monkeypatch: Any,
) -> None:
    monkeypatch.setattr("viewer.archive.search.marked._MANY", many)
    urgent, second = make_label("Urgent"), make_label("Second Level")
    set_marks("chatcmpl-one", Marks((urgent, second), "escalated", alice))
    set_marks("chatcmpl-two", Marks((urgent,), "", bob))
    assert found(reader, query) == expected


def test_an_unknown_status_is_named_and_every_label_can_be_asked_for(reader: Client, conversations: None) -> None:
    assert "status:done is unknown. status: accepts open, escalated" in visible(
        opened(reader, "/search/", q="status:done")
    )
    label = make_label("Straße: 5 * “x")
    label.key = "strasse: 5 * x"
    label.save()
    set_marks("chatcmpl-one", Marks((make_label("5 stars*"),)))
    [url] = [one for one in attributes(opened(reader, "/filters/"), "href") if "stars" in one]
    assert completion_ids(opened(reader, url)) == ["chatcmpl-one"]


def test_the_filter_panel_and_the_ready_views_offer_them(reader: Client, bob: User, conversations: None) -> None:
    make_label("Urgent")
    panel = visible(opened(reader, "/filters/"))
    for words in ("Label Urgent", "Status Open Escalated Reviewed No status", "Assignee Me Nobody bob"):
        assert words in panel
    assert "Escalated" in visible(opened(reader, "/filters/", text="escal"))
    set_marks("chatcmpl-one", Marks((), "escalated", None))
    assert {"Assigned to me 0", "Escalated 1"} <= set(texts(opened(reader, "/views/"), ".rail li a"))
    chips = opened(reader, "/search/", q="status:escalated -label:urgent assignee:me")
    assert texts(chips, ".filter-chip") == ["Status Escalated", "Label not urgent", "Assignee Me"]


@pytest.mark.parametrize("many", [20_000, 1])
def test_a_conversation_stays_in_the_list_that_it_was_opened_from_when_it_is_marked(
    reader: Client, stored: Store, conversations: None, many: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr("viewer.archive.search.marked._MANY", many)
    for name in ("one", "two", "three"):
        set_marks(f"chatcmpl-{name}", Marks((), "open", None))
    address = "http://testserver/search/?q=status%3Aopen"
    page = reader.get("/completions/chatcmpl-two/", headers={"Referer": address}).content.decode()
    following = attributes(page, "href", ".ways [rel=next]")[0]
    before = reader.get(following)["Location"]
    form = "http://testserver/completions/chatcmpl-two/labels/"
    set_marks("chatcmpl-two", Marks((), "reviewed", None))
    page = reader.get("/completions/chatcmpl-two/", headers={"Referer": form}).content.decode()
    assert attributes(page, "href", ".ways [rel=next]") == [following]
    assert reader.get(following)["Location"] == before != ""
    foreign = reader.get("/completions/chatcmpl-two/", headers={"Referer": address}).content.decode()
    assert attributes(foreign, "href", ".ways [rel=next]") != [following]


def test_marks_are_kept_by_the_id_and_so_outlive_an_import(reader: Client, stored: Store) -> None:
    set_marks("chatcmpl-one", Marks((make_label("Early"),)))
    stored(make_completion("chatcmpl-one", say("user", "x")))
    assert found(reader, "label:early") == {"one"}


def test_only_curators_make_change_and_delete_labels(
    reader: Client, alice: User, curator: Client, conversations: None
) -> None:
    assert curator.post("/labels/", {"name": " Second  level ", "colour": "teal"}).status_code == 302
    label = Label.objects.get()
    assert (label.name, label.colour) == ("Second level", "teal")
    give_role(alice, READER)
    assert not has(opened(reader, "/labels/"), "main form")
    for address in ("/labels/", f"/labels/{label.pk}/", f"/labels/{label.pk}/delete/"):
        assert reader.post(address, {"name": "mine", "colour": "red"}).status_code == 403
    set_marks("chatcmpl-one", Marks((label,)))
    curator.post(f"/labels/{label.pk}/", {"name": "Level 2", "colour": "red"})
    assert "Level 2" in texts(opened(reader, ONE), ".label--red")
    assert "is on 1 conversation" in visible(opened(curator, f"/labels/{label.pk}/delete/"))
    curator.post(f"/labels/{label.pk}/delete/")
    assert not CompletionLabel.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", "URGENT", 'with "quotes"', "x" * 41])
def test_a_name_that_cannot_be_used_is_kept_in_the_form_and_said(curator: Client, name: str) -> None:
    make_label("Urgent")
    answer = curator.post("/labels/", {"name": name, "colour": "red"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert problems(page) == ["label"]
    assert attributes(page, "value", "#label-name") == [name]
    assert Label.objects.count() == 1


def test_the_log_names_marks_by_id(reader: Client, alice: User, conversations: None, caplog: Any) -> None:
    label = make_label("Urgent")
    with caplog.at_level(logging.INFO, "lectern.events"):
        reader.post(f"{ONE}labels/", form_of(reader) | {"labels": [label.pk], "status": "open", "assignee": alice.pk})
    events = {one.message: one.__dict__["facts"] for one in caplog.records if one.name == "lectern.events"}
    assert events == {
        "labels set": {"completion": "chatcmpl-one", "put_on": [label.pk], "taken_off": []},
        "status set": {"completion": "chatcmpl-one", "status": "open"},
        "assignee set": {"completion": "chatcmpl-one", "assignee": alice.pk},
    }


def test_every_colour_of_a_label_is_readable_in_the_light_and_in_the_dark() -> None:
    style = (Path(settings.BASE_DIR) / "static/css/review/20-marks.css").read_text()
    pairs = dict(re.findall(r"--label-([a-z-]+): light-dark\((#\w+, #\w+)\)", style))
    for colour in COLOURS:
        for ink, ground in zip(pairs[colour].split(", "), pairs[f"{colour}-soft"].split(", "), strict=True):
            assert _contrast(ink, ground) >= 4.5, (colour, ink, ground)


def _contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
