"""Verdicts on answers: who gives them, how they are counted, and who sees what is behind a number."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from tests.conftest import make_choice, make_completion, say
from tests.pages import attributes, element, elements, has, problems, texts, visible
from viewer.accounts.roles import READER, give_role
from viewer.archive.labels import Marks, set_marks
from viewer.archive.models import Label
from viewer.review.models import Reason, Verdict

Store = Callable[..., Any]
ONE = "/completions/chatcmpl-one/"
FIRST = f"{ONE}choices/0/verdict/"


@pytest.fixture
def conversation(stored: Store) -> None:
    choices = [make_choice("Yes."), make_choice("No.", 1)]
    stored(make_completion("chatcmpl-one", say("user", "Late?"), choices=choices, metadata={"channel": "mail"}))
    caches["guesses"].clear()  # of what the metadata keys of other tests were


@pytest.fixture
def bobs(bob: User) -> Client:
    client = Client()
    client.force_login(bob)
    return client


def give(client: Client, verdict: str, address: str = FIRST, **fields: Any) -> Any:
    version = attributes(opened(client, address), "value", "[data-verdict] [name=version]")[0]
    return client.post(address, {"verdict": verdict, "version": version, **fields})


def opened(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_each_person_has_one_verdict_on_each_answer(reader: Client, bobs: Client, conversation: None) -> None:
    answer = give(reader, "wrong", reason="Invented facts", comment="There is\nno such order")
    assert answer["Location"] == f"{ONE}choices/0/"
    give(bobs, "good")
    give(reader, "unsafe", f"{ONE}choices/1/verdict/")
    give(reader, "good")
    assert Verdict.objects.count() == 3
    page = opened(bobs, ONE)
    first, second = elements(page, "[data-verdict]")
    assert texts(first, ".verdict__given") == ["Good alice", "Good bob"]
    assert texts(second, ".verdict__given") == ["Unsafe alice"]
    assert texts(page, "[data-verdict] > [data-review]") == ["Change my verdict", "Give a verdict"]
    assert first.prev is not None
    assert attributes(opened(reader, f"{ONE}choices/1/verdict/"), "value", "[autofocus]") == ["unsafe"]
    assert attributes(opened(bobs, f"{ONE}choices/1/verdict/"), "value", "[autofocus]") == ["good"]  # the first


def test_a_verdict_is_withdrawn_by_its_person_alone(reader: Client, bobs: Client, conversation: None) -> None:
    give(reader, "wrong")
    assert not has(opened(bobs, FIRST), "[name=withdraw]")
    bobs.post(FIRST, {"withdraw": "1"})
    assert Verdict.objects.count() == 1
    reader.post(FIRST, {"withdraw": "1"})
    assert not Verdict.objects.exists()


def test_a_verdict_keeps_the_facts_of_the_moment(reader: Client, conversation: None) -> None:
    give(reader, "wrong", reason="Out of date")
    stored = Verdict.objects.get()
    assert (stored.model, stored.channel, stored.reason) == ("gpt-4.1", "mail", "Out of date")


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({}, "Choose a verdict."),
        ({"verdict": "meh"}, "meh"),
        ({"verdict": "good", "reason": "none of the list"}, "none of the list"),
        ({"verdict": "good", "comment": "x" * 1001}, "1001 characters, and at most 1000"),
        ({"verdict": "good", "version": "old"}, "changed elsewhere"),
    ],
)
def test_what_cannot_be_saved_is_said_and_kept(
    reader: Client, conversation: None, sent: dict[str, str], says: str
) -> None:
    answer = reader.post(FIRST, {"version": "none", "comment": "typed", **sent})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert problems(page) == ["verdict"]
    assert says in visible(page)
    assert element(page, "textarea").text().strip() == sent.get("comment", "typed")
    assert not Verdict.objects.exists()


@pytest.mark.parametrize("address", [f"{ONE}choices/7/verdict/", "/completions/chatcmpl-away/choices/0/verdict/"])
def test_what_cannot_be_read_takes_and_shows_no_verdict(reader: Client, conversation: None, address: str) -> None:
    Verdict.objects.create(completion_id="chatcmpl-away", position=0, verdict="good", comment="a secret")
    for answer in (reader.get(address), reader.post(address, {"verdict": "good", "version": "none"})):
        assert answer.status_code == 404
        assert "a secret" not in answer.content.decode()
    assert Verdict.objects.count() == 1


def make_verdicts(person: User, *facts: tuple[str, str, str, int]) -> None:
    """Each is a verdict with its model, its channel, and how many days ago it was given."""
    for n, (verdict, model, channel, days) in enumerate(facts):
        at = timezone.now() - timedelta(days=days)
        place = {"completion_id": f"chatcmpl-{n}", "position": 0, "person": person}
        Verdict.objects.create(**place, verdict=verdict, model=model, channel=channel, at=at)


def rows_of(page: str) -> dict[str, list[str]]:
    return {visible(element(row, "th")): texts(row, "td") for row in elements(page, ".counts tbody tr")}


def test_verdicts_are_counted_by_each_fact_in_a_table_and_a_chart(reader: Client, alice: User) -> None:
    make_verdicts(
        alice, ("good", "gpt-5", "mail", 1), ("wrong", "gpt-5", "chat", 1), ("unsafe", "gpt-4o", "", 1),
        ("good", "gpt-5", "mail", 60), ("good", "gpt-3", "mail", 200),
    )  # fmt: skip
    urgent = Label.objects.create(name="Urgent", key="urgent", colour="red")
    for n in (0, 2):
        set_marks(f"chatcmpl-{n}", Marks((urgent,)))
    assert rows_of(opened(reader, "/verdicts/?by=model&days=90")) == {
        "gpt-5": ["2", "1", "0", "3"], "gpt-4o": ["0", "0", "1", "1"],
    }  # fmt: skip
    assert "gpt-3" in rows_of(opened(reader, "/verdicts/?by=model&days=all"))
    assert rows_of(opened(reader, "/verdicts/?by=label")) == {"Urgent": ["1", "0", "1", "2"]}
    assert rows_of(opened(reader, "/verdicts/?by=channel&days=30")) == {
        "none": ["0", "0", "1", "1"], "mail": ["1", "0", "0", "1"], "chat": ["0", "1", "0", "1"],
    }  # fmt: skip
    weeks = rows_of(opened(reader, "/verdicts/?by=week&days=90"))
    assert [row[-1] for row in weeks.values()] == ["3", "1"]
    day = f"{timezone.localdate() - timedelta(days=60)}"
    assert rows_of(opened(reader, f"/verdicts/?by=model&from={day}&to={day}")) == {"gpt-5": ["1", "0", "0", "1"]}
    page = opened(reader, "/verdicts/?by=model&days=90")
    assert texts(page, "svg.chart text") == ["gpt-5", "gpt-4o"]
    bars = elements(page, "svg.chart .chart__bar")
    assert [bar.attributes["width"] for bar in bars] == ["66.67%", "33.33%", "33.33%"]
    assert texts(page, "svg.chart .chart__bar title") == ["gpt-5: Good 2", "gpt-5: Wrong 1", "gpt-4o: Unsafe 1"]
    assert not has(page, "[style], main style, main script")


@pytest.mark.parametrize("by", ["week", "model", "label", "channel", "reason"])
@pytest.mark.parametrize("days", ["30", "all"])
def test_each_number_leads_to_as_many_verdicts(
    reader: Client, alice: User, conversation: None, by: str, days: str
) -> None:
    make_verdicts(
        alice, ("good", "gpt-5", "mail", 1), ("wrong", "gpt-5", "chat", 2), ("unsafe", "gpt-4o", "", 12),
        ("good", "gpt-5", "mail", 60),
    )  # fmt: skip
    label = Label.objects.create(name="Urgent", key="urgent", colour="red")
    for n in range(3):
        set_marks(f"chatcmpl-{n}", Marks((label,)))
    links = elements(opened(reader, f"/verdicts/?by={by}&days={days}"), ".counts td a")
    assert links
    for link in links:
        found = elements(opened(reader, link.attributes["href"] or ""), ".judged")
        assert len(found) == int(visible(link)), link.attributes["href"]


def test_behind_a_number_stands_only_what_one_can_open(reader: Client, bob: User, conversation: None) -> None:
    Verdict.objects.create(completion_id="chatcmpl-one", position=0, person=bob, verdict="wrong", comment="seen")
    Verdict.objects.create(completion_id="chatcmpl-away", position=0, person=bob, verdict="wrong", comment="a secret")
    page = opened(reader, "/verdicts/list/?verdict=wrong")
    assert "1 verdict is on a conversation that you cannot open" in visible(page)
    assert attributes(page, "href", ".judged > a") == [f"{ONE}choices/0/"]
    assert "a secret" not in page
    assert "chatcmpl-away" not in page


@pytest.mark.parametrize("query", ["by=nonsense", "days=7000", "from=0001-01-01", "to=9999-12-31", "from=x&to=y"])
def test_a_url_that_makes_no_sense_shows_what_it_can(reader: Client, alice: User, query: str) -> None:
    make_verdicts(alice, ("good", "gpt-5", "mail", 1))
    assert rows_of(opened(reader, f"/verdicts/?{query}"))
    for value in ("%00", "\ud800".encode("utf-8", "surrogatepass").hex("%"), "9" * 40, "2026-99-99"):
        opened(reader, f"/verdicts/list/?{query}&value={value}")
        for by in ("week", "model", "label"):
            opened(reader, f"/verdicts/list/?by={by}&value={value}")


def test_curators_edit_the_reasons_and_verdicts_keep_theirs(reader: Client, alice: User, conversation: None) -> None:
    give(reader, "wrong", reason="Wrong tone")
    curator = Client()
    carol = User.objects.create_user("carol")
    carol.groups.add(Group.objects.get_or_create(name="curator")[0])
    curator.force_login(carol)
    page = opened(curator, "/verdicts/reasons/")
    was = element(page, "[name=was]").text()
    saved = {"was": was, "reasons": "Too long\r\n\r\n Too   short \r\nToo long"}
    give_role(alice, READER)
    assert reader.post("/verdicts/reasons/", saved).status_code == 403
    assert curator.post("/verdicts/reasons/", saved).status_code == 302
    assert [reason.text for reason in Reason.objects.all()] == ["Too long", "Too short"]
    assert texts(opened(reader, FIRST), "[name=reason] option") == ["No reason", "Too long", "Too short", "Wrong tone"]
    again = curator.post("/verdicts/reasons/", saved)
    assert again.status_code == 422
    assert "changed elsewhere" in visible(again.content.decode())
    for text in ("\n".join(map(str, range(31))), "x" * 81):
        kept = curator.post("/verdicts/reasons/", {"was": "Too long\nToo short", "reasons": text})
        assert kept.status_code == 422
        assert element(kept.content.decode(), "[name=reasons]").text().strip() == text


def test_the_log_names_a_verdict_by_its_id(reader: Client, conversation: None, caplog: Any) -> None:
    with caplog.at_level(logging.INFO, "lectern.events"):
        give(reader, "wrong", comment="Zqx")
        pk = Verdict.objects.get().pk
        reader.post(FIRST, {"withdraw": "1"})
    events = [(one.message, one.__dict__["facts"]) for one in caplog.records if one.name == "lectern.events"]
    assert events == [("verdict given", {"verdict": pk}), ("verdict withdrawn", {"verdict": pk})]
