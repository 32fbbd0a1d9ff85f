"""No page falls over one item: whatever one id, time, name or depth is, the rest of the page stands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import make_choice, make_completion, make_key, say
from tests.pages import (
    attributes,
    completion_ids,
    elements,
    has,
    link,
    message_ids,
    problems,
    texts,
    visible,
)
from tests.upstream import EDGES, HOSTILE_IDS, LIVE, LONG, METHODS, Upstream
from viewer.archive.importing import import_lines
from viewer.keys.models import AccessToken, ApiKey
from viewer.sync.models import CopyFailure, CopyRun

Store = Callable[..., Any]

ONE = LIVE[-1]  # thirty messages
ZONES = ["Etc/GMT-14", "Etc/GMT+12"]  # 14 hours ahead of UTC, and 12 behind
NAMED = {name: name for name in METHODS}
PLACES = [
    "/", "/?order=desc", "/?after={id}-0", "/?before={id}-3", "/messages/{id}-2/", "/find/?q=word", "/print/",
    "/transcript/", "/transcript/?format=text", "/transcript/?format=json", "/transcript/?format=jsonl", "/raw/",
    "/beside/", "/next/", "/previous/", "/go/?to=last", "/go/?to=3", "/messages/{id}-2/raw/", "/choices/0/raw/",
]  # fmt: skip
LISTS = ["/completions/", "/completions/?order=asc", "/completions/?around={id}", "/completions/?metadata[items]=items"]


def browse(person: User, upstream: Upstream, mode: str, **fields: Any) -> None:
    ApiKey.objects.choose(person, make_key(person, base_url=upstream.base(mode), **fields))


def read(reader: Client, address: str, **headers: str) -> str:
    answer = reader.get(address, headers=headers, follow=True)
    body = b"".join(answer).decode()  # also what is sent piece by piece
    assert answer.status_code == 200, (address, body)
    return body


def read_every_page(reader: Client, ids: Iterable[str]) -> None:
    for one in ids:
        for place in [*LISTS, *(f"/completions/{one}{place}" for place in PLACES)]:
            for headers in ({}, {"HX-Request": "true"}):
                read(reader, place.format(id=one), **headers)


@pytest.fixture
def stranger_than_most(stored: Store) -> list[str]:
    """Conversations of the archive with times at the edges, names like methods, and JSON as deep as is taken."""
    asked = {"tool_calls": [{"id": "c", "type": "items", **NAMED}], "reasoning_details": NAMED, **NAMED}
    completions = [
        make_completion(
            f"edge-{n}", say("user", "a word"), say("assistant", "a word", **asked), say("tool", "word", **NAMED),
            say("items", "word", created_at=time), created=time, model="items", metadata={**NAMED, "same": "items"}, tool_choice=NAMED,
            choices=[{**make_choice("a word", **asked), **NAMED}], **NAMED,
        )
        for n, time in enumerate([*EDGES[:4], 2**53 - 1, 1 - 2**53])
    ]  # fmt: skip
    assert [outcome.status for outcome in stored(*completions)] == ["imported"] * len(completions)
    return [completion["id"] for completion in completions]


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
def test_every_page_of_the_archive_stands(
    reader: Client, alice: User, stranger_than_most: list[str], zone: str
) -> None:
    reader.cookies["timezone"] = zone
    read_every_page(reader, stranger_than_most[:1])
    for one in stranger_than_most:
        for place in ("", "print/", "transcript/"):
            read(reader, f"/completions/{one}/{place}")
    for query in ("word", "word&order=best", "items", "meta.items:items", "meta.get:get+word", "model:items"):
        assert "edge-0" in read(reader, f"/search/?q={query}")
    listed = completion_ids(read(reader, "/completions/"))
    assert len([one for one in listed if one.startswith("edge-")]) == len(stranger_than_most)


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
def test_every_page_of_a_server_elsewhere_stands(reader: Client, alice: User, upstream: Upstream, zone: str) -> None:
    reader.cookies["timezone"] = zone
    browse(alice, upstream, "hostile", label="items")
    read_every_page(reader, [ONE])


def test_a_row_without_an_address_says_why_and_its_neighbours_are_links(
    reader: Client, alice: User, upstream: Upstream
) -> None:
    browse(alice, upstream, "hostile")
    page = read(reader, "/completions/")
    said = visible(page)
    for words in (
        "No link: the id contains a slash", "No link: the id consists of dots only", "No link: the id is missing",
        "No link: the id is longer than 255 characters", "No link: the id contains a NUL character",
    ):  # fmt: skip
        assert words in said
    assert said.count("Unreadable item No link: the id is missing ·") == 4
    links = attributes(page, "href", "a.row__title")
    assert len(links) == len(LIVE) - 10 + 1
    assert "/completions/sp%20ace%3F%23%25/" in links
    assert len(elements(page, 'a.row__title[tabindex="-1"]:not([href])')) == len(HOSTILE_IDS) + 6


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_a_message_without_an_address_says_why_and_its_neighbours_are_links(
    reader: Client, alice: User, upstream: Upstream, headers: dict[str, str]
) -> None:
    browse(alice, upstream, "hostile")
    page = read(reader, f"/completions/{ONE}/", **headers)
    said = visible(page)
    assert "No link: the id contains a slash" in said
    assert "No link: the id consists of dots only" in said
    assert "No link: the id is longer than 255 characters" in said
    as_browsers_read = {one.replace("\0", "\ufffd") for one in HOSTILE_IDS}
    assert as_browsers_read <= set(message_ids(page))
    links = set(attributes(page, "href"))
    assert {f"/completions/{ONE}/messages/{ONE}-{n}/" for n in (0, 1, 19)} <= links
    assert not [link for link in links if re.search(r"/messages/(?:\.|a/b|x{300})", link)]


@pytest.mark.parametrize("given", ["a/b", "x" * 300, "a\0b"])
def test_an_id_without_an_address_is_not_asked_for(reader: Client, alice: User, upstream: Upstream, given: str) -> None:
    browse(alice, upstream, "ok")
    assert "is not a valid id" in visible(read(reader, f"/completions/open/?{urlencode({'id': given})}"))
    assert reader.get(f"/completions/{quote(given)}/").status_code == 404
    assert {asked["path"] for asked in upstream.asked()} <= {"/ok/v1/chat/completions"}


def test_where_the_last_item_has_no_id_a_page_says_that_there_is_more(
    reader: Client, alice: User, upstream: Upstream
) -> None:
    browse(alice, upstream, "ids-empty")
    assert "There are more conversations, but" in visible(read(reader, "/completions/"))
    page = read(reader, f"/completions/{ONE}/")
    assert "There are more messages, but" in visible(page)
    assert "End of the conversation" not in visible(page)
    assert link(page, "later") is None
    found = visible(read(reader, f"/completions/{LONG}/find/?q=message"))
    assert "100 hits" not in found
    assert "There is more, but the server did not say where to continue." in found


@pytest.mark.slow
def test_search_finds_what_is_nested_as_deep_as_an_import_takes(reader: Client) -> None:
    parts = [{"type": "text", "text": "deepword", "other": "DEEP"}, {"type": "DEEP"}]
    asked = {"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "DEEP"}}, "DEEP"]}
    message = say("assistant", "deepword", content_parts=parts, name="DEEP", reasoning_details="DEEP", **asked)
    lines = []
    for depth in range(600, 1000, 10):  # Python's stack ends in there, and how deep one stands in it differs
        deep = make_completion(
            f"deep-{depth}", message, metadata={"deepword": "DEEP"}, choices=[{**make_choice("x"), "other": "DEEP"}]
        )
        lines.append(json.dumps(deep).replace('"DEEP"', "[" * depth + "]" * depth).encode())
    taken = [outcome.status == "imported" for outcome in import_lines(lines)]
    assert True in taken
    assert False in taken
    address, found = "/search/?q=deepword", 0
    while address:
        page = read(reader, address)
        found += len(completion_ids(page))
        address = link(page, "later") or ""
    assert found == sum(taken)
    for depth in range(600 + 10 * (sum(taken) - 4), 600 + 10 * sum(taken), 10):
        for place in ("", "print/", "transcript/", "find/?q=deepword", "messages/deep-{}-0/calls/0/"):
            read(reader, f"/completions/deep-{depth}/{place.format(depth)}")


def test_pages_of_one_person_stand_whatever_the_person_names_things(
    reader: Client, alice: User, upstream: Upstream
) -> None:
    for name in METHODS:
        key = make_key(alice, label=name or " ", base_url=upstream.base())
        AccessToken.objects.issue(alice, name, key)
        for since in (datetime.min, datetime.max):
            run = CopyRun.objects.create(
                person=alice, api_key=key, label=name, metadata=NAMED, since=since.replace(tzinfo=UTC), state="done"
            )
        CopyFailure.objects.create(run=run, completion_id=name, problem="not-found")
    for zone in ZONES:
        reader.cookies["timezone"] = zone
        for address in ("/keys/", f"/keys/{key.pk}/", "/tokens/", "/imports/", f"/imports/{run.pk}/"):
            page = read(reader, address)
            if "imports" in address:
                assert "items=items" in visible(page)
                assert "keys=keys" in visible(page)


def test_a_template_asks_no_mapping_for_its_members() -> None:
    """Django looks a key up before it looks for a method: one key called `items` makes the page a failure."""
    for file in Path(settings.BASE_DIR, "templates").rglob("*.html"):
        tags = re.findall(r"\{[{%].*?[%}]\}", file.read_text())
        assert [tag for tag in tags if re.search(r"\.(?:items|keys|values|get)\b", tag)] == [], file.name


@pytest.mark.slow
@pytest.mark.parametrize("at", ["a%00b", "%00"])
def test_a_nul_in_an_address_is_no_failure(reader: Client, stored: Store, alices_token: str, at: str) -> None:
    stored(make_completion("chatcmpl-one", say("user", "hi")))
    inside = ["find/?q=hi", "beside/", "next/", "previous/", "go/?to=1", "raw/", "transcript/", "print/"]
    inside += [
        "choices/0/raw/",
        "messages/x/",
        "messages/x/raw/",
        "messages/x/parts/0/",
        "messages/x/calls/0/",
        "messages/x/results/0/",
    ]
    addresses = [f"/completions/{at}/", *(f"/completions/{at}/{place}" for place in inside)]
    addresses += [f"/completions/chatcmpl-one/messages/{at}/{place}" for place in ("", "raw/", "parts/0/", "result/")]
    addresses += [f"/completions/chatcmpl-one/?{name}={at}" for name in ("after", "before", "order", "find")]
    addresses += [f"/completions/chatcmpl-one/{place}={at}" for place in ("find/?q", "find/?q=hi&after", "go/?to")]
    addresses += [f"/completions/chatcmpl-one/transcript/?{name}={at}" for name in ("from", "to", "include")]
    addresses += [f"/completions/?{name}={at}" for name in ("model", "after", "before", "around", "metadata[k]", "key")]
    addresses += [f"/completions/?metadata[{at}]=x", f"/completions/open/?id={at}", f"/search/?q={at}"]
    addresses += [f"/search/?q=hi+{name}:{at}" for name in ("model", "meta.k", "role", "tool", "id", "before")]
    for address in addresses:
        for headers in ({}, {"HX-Request": "true"}):
            assert reader.get(address, headers=headers, follow=True).status_code < 500, address
    for address in (f"/{at}", f"/{at}/messages", f"?after={at}", f"?model={at}", f"?metadata[{at}]={at}"):
        answer = reader.get(f"/v1/chat/completions{address}", headers={"Authorization": f"Bearer {alices_token}"})
        assert answer.status_code < 500, address


PARTS = [
    "raw/", "transcript/", "print/", "find/?q=hi", "choices/0/raw/", "choices/0/parts/0/", "choices/0/calls/0/",
    "messages/x/", "messages/x/raw/", "messages/x/parts/0/", "messages/x/calls/0/", "messages/x/results/0/",
]  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "name", "title"),
    [
        ("forbidden", "forbidden", "project x denied access"),
        ("html", "unreadable", "project x sent an invalid response"),
    ],
)
def test_a_problem_is_told_as_itself_wherever_it_arises(
    reader: Client, alice: User, upstream: Upstream, mode: str, name: str, title: str
) -> None:
    browse(alice, upstream, mode, label="project x")
    for place in PARTS:
        for headers in ({}, {"HX-Request": "true"}):
            answer = reader.get(f"/completions/{ONE}/{place}", headers=headers)
            assert (answer.status_code, place) == (502, place)
            assert problems(answer.text) == [name], place
            assert title in visible(answer.text), place
            assert ("<html" in answer.text) == (not headers), place
    for place in ("messages/x/parts/0/remote/", "choices/0/parts/0/remote/"):
        answer = reader.get(f"/completions/{ONE}/{place}")
        assert (answer.status_code, answer["Content-Type"]) == (502, "text/plain; charset=utf-8")
        assert answer.text == title
    reader.get(f"/completions/{ONE}/go/?to=last")
    reader.get(f"/completions/{ONE}/next/")
    with_notices = reader.get("/shortcuts/")
    assert visible(with_notices.text).count(title) == 2


def test_a_problem_names_the_source_that_said_it_and_not_the_chosen_one(
    reader: Client, alice: User, upstream: Upstream
) -> None:
    browse(alice, upstream, "ok", label="work", secret="sk-other-work")
    make_key(alice, "old", base_url=upstream.base("close"), secret="sk-revoked")
    for place in ("", "raw/", "messages/x/parts/0/"):
        seen = visible(reader.get(f"/completions/{ONE}/{place}").text)
        assert "old rejected the API key" in seen
        assert "Response from old" in seen
        assert "Response from work" not in seen


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_a_404_on_a_list_says_that_the_server_has_none_and_leads_to_the_keys(
    reader: Client, alice: User, upstream: Upstream, headers: dict[str, str]
) -> None:
    ApiKey.objects.choose(alice, make_key(alice, base_url=f"{upstream.url}/ok"))
    for address in ("/completions/", f"/completions/{ONE}/beside/"):
        answer = reader.get(address, headers=headers, follow=True)
        assert answer.status_code == 502
        assert "does not list conversations" in visible(answer.text)
        assert "Check the id" not in visible(answer.text)
    if not headers:
        assert "Go to your API keys" in texts(answer.text, 'a[href="/keys/"]')
        assert has(answer.text, 'form[action="/completions/open/"]')


def test_a_404_to_a_place_in_a_list_or_a_conversation_is_a_place_that_is_gone(
    reader: Client, alice: User, upstream: Upstream
) -> None:
    browse(alice, upstream, "unknown-cursor-404")
    answer = reader.get("/completions/?after=gone")
    assert answer.status_code == 400
    assert "Open the list from its start" in visible(answer.text)
    assert LIVE[0] in read(reader, "/completions/?around=gone")
    answer = reader.get(f"/completions/{ONE}/messages/gone/")
    assert (answer.status_code, "No message with this id" in visible(answer.text)) == (404, True)
    answer = reader.get("/completions/gone/messages/gone/")
    assert (answer.status_code, "You cannot open a conversation with this id" in visible(answer.text)) == (404, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("inf", None), ("nan", None), ("1e999", None), ("-inf", None), ("99999999999999999999", None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None), ("Fri, 31 Dec 9999 23:59:59 GMT", None), ("soon", None),
        ("3600", "Try again in 3600 s."), ("3601", "Try again in 2 hours."), ("86400", "Try again in 24 hours."),
        ("277403", "Try again in 4 days."),
    ],
)  # fmt: skip
def test_a_wait_is_said_as_people_say_it_or_not_at_all(
    reader: Client, alice: User, upstream: Upstream, given: str, said: str | None
) -> None:
    upstream.set("retry_after", given)
    browse(alice, upstream, "rate-limited-as-set")
    answer = reader.get("/completions/")
    assert answer.status_code == 503
    assert "asks to slow down" in visible(answer.text)
    told = re.findall(r"Try again in [^.]*\.", visible(answer.text))
    assert told == ([said] if said else [])
    assert has(answer.text, "count-down") == (given == "3600")
