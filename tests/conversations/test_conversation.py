from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils.http import parse_header_parameters

from tests.conftest import make_choice, make_completion, make_long, say
from tests.images import make_png
from tests.pages import (
    attributes,
    element,
    elements,
    has,
    link,
    message_ids,
    part_kinds,
    problems,
    texts,
    visible,
)
from viewer.completions.reading import read_message
from viewer.rendering.context import RenderContext
from viewer.rendering.customer import for_customer
from viewer.rendering.drawing import draw_bubble
from viewer.rendering.messages import build_bubbles

Store = Callable[..., Any]
HTMX = {"HX-Request": "true"}


def opened(reader: Client, address: str, **headers: Any) -> str:
    answer = reader.get(address, headers=headers.get("headers"))
    assert answer.status_code == 200
    return answer.content.decode()


def conversation(reader: Client, stored: Store, *messages: dict[str, Any], **fields: Any) -> str:
    stored(make_completion("chatcmpl-one", *messages, **fields))
    return opened(reader, "/completions/chatcmpl-one/")


# Order and paging


@pytest.mark.parametrize("count", [0, 1, 19, 20, 21, 62])
def test_following_next_page_shows_every_message_once_in_order_and_then_the_answer(
    reader: Client, stored: Store, count: int
) -> None:
    stored(make_long("chatcmpl-one", count))
    seen: list[str] = []
    address: str | None = "/completions/chatcmpl-one/"
    answers = 0
    while address:
        page = opened(reader, address)
        seen += message_ids(page)
        answers += len(elements(page, "[data-answer]"))
        address = link(page, "later")
        assert answers == (0 if address else 1)
    assert seen == [f"chatcmpl-one-{n}" for n in range(count)]


def test_fragments_show_the_same_as_pages(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 62))
    page = opened(reader, "/completions/chatcmpl-one/")
    seen = message_ids(page)
    while address := link(page, "later"):
        page = opened(reader, address, headers=HTMX)
        assert "<html" not in page
        assert link(page, "earlier") is None
        seen += message_ids(page)
    assert seen == [f"chatcmpl-one-{n}" for n in range(62)]
    assert has(page, "[data-answer]")


def test_reading_from_the_end_shows_the_answer_first_and_then_the_newest_message(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 45))
    page = opened(reader, "/completions/chatcmpl-one/?order=desc")
    shown = ["data-answer" in found.attributes for found in elements(page, "[data-answer], [data-message-id]")]
    assert shown == [True] + [False] * 20
    seen = message_ids(page)
    while address := link(page, "earlier"):
        page = opened(reader, address, headers=HTMX)
        assert not has(page, "[data-answer]")
        seen += message_ids(page)
    assert seen == [f"chatcmpl-one-{n}" for n in reversed(range(45))]


def test_earlier_messages_lead_from_the_middle_back_to_the_start(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 300))
    page = opened(reader, "/completions/chatcmpl-one/messages/chatcmpl-one-150/")
    seen = message_ids(page)
    assert seen == [f"chatcmpl-one-{n}" for n in range(140, 160)]
    while address := link(page, "earlier"):
        page = opened(reader, address, headers=HTMX)
        assert link(page, "later") is None
        seen = message_ids(page) + seen
    assert seen == [f"chatcmpl-one-{n}" for n in range(160)]


def test_an_earlier_page_opened_by_itself_leads_both_ways(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 300))
    page = opened(reader, "/completions/chatcmpl-one/?before=chatcmpl-one-100")
    assert message_ids(page) == [f"chatcmpl-one-{n}" for n in range(80, 100)]
    assert link(page, "later") == "/completions/chatcmpl-one/?after=chatcmpl-one-99"
    assert link(page, "earlier") == "/completions/chatcmpl-one/?before=chatcmpl-one-80"


def test_both_ends_of_a_conversation_are_named_once_wherever_reading_begins(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 62))
    for start in ("", "?order=desc", "messages/chatcmpl-one-30/"):
        page = opened(reader, f"/completions/chatcmpl-one/{start}")
        pages = [page]
        for way in ("earlier", "later"):
            address = link(page, way)
            while address:
                pages.append(opened(reader, address, headers=HTMX))
                address = link(pages[-1], way)
        shown = "".join(pages)
        assert shown.count("Beginning of the conversation") == shown.count("End of the conversation") == 1, start


# Permalinks


@pytest.mark.parametrize("prefix", [None, "msg_"])
def test_a_permalink_opens_at_its_message_and_marks_it_alone(reader: Client, stored: Store, prefix: str | None) -> None:
    long = make_long("chatcmpl-one", 300, prefix=prefix)
    stored(long)
    linked = long["messages"][200]["id"]
    page = opened(reader, f"/completions/chatcmpl-one/messages/{linked}/")
    assert message_ids(page) == [message["id"] for message in long["messages"][190:210]]
    assert len(elements(page, "[autofocus]")) == 1
    assert attributes(page, "data-message-id", 'article[data-role="user"][tabindex="-1"][aria-current="true"]') == [
        linked
    ]


def test_only_a_permalink_is_painted_no_sooner_than_it_stands_at_its_message(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 30))
    holds = [
        has(opened(reader, f"/completions/chatcmpl-one/{where}"), 'script[defer][blocking="render"]')
        for where in ("", "messages/chatcmpl-one-20/")
    ]
    assert holds == [False, True]


def test_every_bubble_has_its_permalink(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 20))
    links = attributes(opened(reader, "/completions/chatcmpl-one/"), "href", "article copy-link a")
    assert links == [f"/completions/chatcmpl-one/messages/chatcmpl-one-{n}/" for n in range(20)] + [
        "/completions/chatcmpl-one/choices/0/"
    ]


def test_a_permalink_names_the_conversation_it_belongs_to(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 300))
    page = opened(reader, "/completions/chatcmpl-one/messages/chatcmpl-one-200/")
    assert texts(page, "h1") == ["Message number 0 of 300."]


@pytest.mark.parametrize("message_id", ["nope", "chatcmpl-one-20", "%22%3E%3Cscript%3E"])
def test_an_unknown_message_says_so_and_leads_to_the_conversation(
    reader: Client, stored: Store, message_id: str
) -> None:
    stored(make_long("chatcmpl-one", 20))
    answer = reader.get(f"/completions/chatcmpl-one/messages/{message_id}/")
    page = answer.content.decode()
    assert answer.status_code == 404
    assert problems(page) == ["not-found"]
    assert "No message with this id" in visible(page)
    assert has(page, 'a[href="/completions/chatcmpl-one/"]')
    assert "<script>" not in page


def test_an_unknown_completion_says_so_and_that_it_may_come_yet(reader: Client, db: None) -> None:
    answer = reader.get("/completions/chatcmpl-nope/")
    assert answer.status_code == 404
    assert problems(answer.text) == ["not-found"]
    assert "not be stored yet" in visible(answer.text)


def test_a_cursor_that_is_gone_is_a_problem_in_the_feed_with_a_way_on(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 5))
    answer = reader.get("/completions/chatcmpl-one/?after=gone", headers=HTMX)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "<html" not in page
    assert problems(page) == ["bad-request"]
    assert "Try again" in visible(page)


# What a bubble shows


def test_what_a_user_wrote_is_kept_to_the_character_and_nothing_in_it_acts(reader: Client, stored: Store) -> None:
    text = '  two blanks\n\n\tand a tab <script>alert(1)</script> &amp; {{ 7|add:7 }} "quoted" *stars* end  '
    page = conversation(reader, stored, say("user", text))
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    assert f">{escaped}</div>" in page
    assert element(page, '.text[data-part="text"][dir="auto"][hx-disable]').text() == text


def test_what_an_assistant_wrote_is_formatted_or_as_written_as_the_reader_likes(reader: Client, stored: Store) -> None:
    text = "**Bold** and a list:\n\n- one\n- <b>two</b>\n"
    page = conversation(reader, stored, say("assistant", text), choices=[make_choice("*so*")])
    assert texts(page, ".prose strong") == ["Bold"]
    assert texts(page, ".prose em") == ["so"]
    assert "&lt;b&gt;two&lt;/b&gt;" in page
    answer = reader.post("/view/", {"texts": "source", "next": "/completions/chatcmpl-one/"})
    assert answer["Location"] == "/completions/chatcmpl-one/"
    written = opened(reader, "/completions/chatcmpl-one/")
    assert [shown.text() for shown in elements(written, '[data-part="text"]')] == [text, "*so*"]
    reader.post("/view/", {"texts": "formatted"})
    assert texts(opened(reader, "/completions/chatcmpl-one/"), ".prose strong") == ["Bold"]


def test_what_hides_in_a_text_is_made_visible(reader: Client, stored: Store) -> None:
    hidden = "invoice_\u202egpj.exe \x1b[31m nul\x00 zero\u200bwidth"
    page = visible(conversation(reader, stored, say("user", hidden, name="a\u202eb"), say("assistant", hidden)))
    assert page.count("invoice_[U+202E]gpj.exe") == 3  # the heading, too
    assert "a[U+202E]b" in page
    for shown in ("\u241b[31m", "nul\u2400", "zero[U+200B]width"):
        assert page.count(shown) == 3


def test_a_very_long_text_is_folded_with_its_size_and_opened_by_a_request_of_its_own(
    reader: Client, stored: Store
) -> None:
    text = "start " + "word " * 5000 + "the very end"
    page = conversation(reader, stored, say("assistant", text), say("user", text))
    assert visible(page).count("Show all (25 kB)") == 2
    assert "the very end" not in page
    address = "/completions/chatcmpl-one/messages/chatcmpl-one-0/parts/0/"
    assert has(page, f'a[href="{address}"]')
    plain = reader.get(address)
    assert (plain["Content-Type"], plain.content.decode()) == ("text/plain; charset=utf-8", text)
    fragment = opened(reader, address, headers=HTMX)
    assert "the very end" in fragment
    assert "<html" not in fragment


def test_a_citation_becomes_a_chip_where_its_marker_stood(reader: Client, stored: Store) -> None:
    marker = "([help.example](https://help.example/a?utm_source=openai))"
    text = f"Two weeks {marker}."
    note = {
        "url": "https://help.example/a?utm_source=openai",
        "title": "Returns",
        "start_index": 10,
        "end_index": 10 + len(marker),
    }
    page = conversation(
        reader, stored, say("assistant", text, annotations=[{"type": "url_citation", "url_citation": note}])
    )
    assert texts(page, "a[data-citation]")[0] == "1"
    assert visible(page).count("help.example/a") == 0
    assert "Returns" in visible(element(page, "[data-sources]"))


def test_the_customers_view_hides_what_the_customer_did_not_see_and_says_where(reader: Client, stored: Store) -> None:
    call = {"id": "call_a", "type": "function", "function": {"name": "lookup", "arguments": "{}"}}
    messages = [
        say("system", "secret prompt"), say("user", "Where is it?"), say("assistant", None, tool_calls=[call]),
        say("tool", "secret result", tool_call_id="call_a"), say("assistant", "Here.", tool_calls=[call], reasoning="secret thought"),
        say("assistant", None, refusal="I cannot say."),
    ]  # fmt: skip
    stored(make_completion("chatcmpl-one", *messages))
    answer = reader.post("/view/", {"audience": "customer", "next": "/completions/chatcmpl-one/"})
    page = opened(reader, answer["Location"])
    assert message_ids(page) == ["chatcmpl-one-1", "chatcmpl-one-4", "chatcmpl-one-5"]
    assert "secret" not in page
    assert "lookup" not in page
    assert "I cannot say." in page
    assert attributes(page, "data-hidden") == ["1", "2"]
    said = visible(page)
    assert "1 message not seen by the customer: system prompt" in said
    assert "2 messages not seen by the customer: tool call, tool result" in said
    assert "Here. Not seen by the customer: tool call, reasoning" in said
    assert "Messages hidden on this page: 3" in said
    assert "/raw/" not in page
    reader.post("/view/", {"audience": "everybody"})
    everything = opened(reader, "/completions/chatcmpl-one/")
    assert len(message_ids(everything)) == 6
    assert "customer:" not in visible(everything)
    assert "hidden on this page" not in visible(everything)


def test_a_permalink_shows_what_the_customers_view_hides_and_says_so(reader: Client, stored: Store) -> None:
    stored(make_completion("chatcmpl-one", say("system", "secret prompt"), say("user", "Hi"), say("developer", "too")))
    reader.cookies["audience"] = "customer"
    hidden = opened(reader, "/completions/chatcmpl-one/messages/chatcmpl-one-0/")
    assert message_ids(hidden) == ["chatcmpl-one-0", "chatcmpl-one-1"]
    shown = visible(element(hidden, '[data-message-id="chatcmpl-one-0"]'))
    assert shown.index("Not seen by the customer") < shown.index("secret prompt")
    assert "Messages hidden on this page: 1" in visible(hidden)
    seen = opened(reader, "/completions/chatcmpl-one/messages/chatcmpl-one-1/")
    assert "Not seen by the customer" not in seen
    assert "/raw/" not in seen


def test_the_customers_view_holds_for_the_pages_that_follow_and_for_the_answer(reader: Client, stored: Store) -> None:
    call = {"id": "call_a", "type": "function", "function": {"name": "lookup", "arguments": "{}"}}
    messages = [say("user", "Hi"), say("tool", "secret")] * 15
    thought = make_choice(None, 1, reasoning="secret", finish_reason="tool_calls", tool_calls=[call])
    stored(make_completion("chatcmpl-one", *messages, choices=[make_choice("Seen."), thought]))
    reader.cookies["audience"] = "customer"
    page = opened(reader, "/completions/chatcmpl-one/?after=chatcmpl-one-19", headers=HTMX)
    assert message_ids(page) == [f"chatcmpl-one-{n}" for n in range(20, 30, 2)]
    assert "secret" not in page
    assert "lookup" not in page
    assert len(elements(page, "[data-choice]")) == 1
    assert attributes(page, "data-hidden") == ["1"] * 6
    assert "1 message not seen by the customer: tool call, reasoning" in visible(page)


def test_the_json_of_a_message_is_one_click_away(reader: Client, stored: Store) -> None:
    page = conversation(reader, stored, say("user", "x", weight=1))
    address = "/completions/chatcmpl-one/messages/chatcmpl-one-0/raw/"
    assert has(page, f'a[href="{address}"]')
    assert reader.get(address).json()["weight"] == 1


def test_roles_are_an_open_set(reader: Client, stored: Store) -> None:
    roles = ["system", "developer", "user", "assistant", "tool", "function", "critic", "<i>", "", 7, None]
    page = conversation(reader, stored, *(say(role, f"said by {role}") for role in roles))
    assert len(message_ids(page)) == len(roles)
    roles_shown = ["system", "developer", "user", "assistant", "tool", "function", "critic", "<i>", "", "7", ""]
    assert attributes(page, "data-role", "[data-message-id]") == roles_shown
    assert len(elements(page, ".message--neutral")) == 5
    for role in roles:
        assert f"said by {role}" in visible(page)


def test_parts_are_shown_in_order_and_the_joined_content_not_again(reader: Client, stored: Store) -> None:
    url = "data:image/png;base64," + base64.b64encode(make_png(48, 32)).decode()
    parts = [
        {"type": "text", "text": "Whose logo?", "image_url": None},
        {"type": "image_url", "image_url": {"url": url, "detail": "high"}, "text": None},
    ]
    page = conversation(reader, stored, say("user", "Whose logo? ", content_parts=parts), choices=[])
    assert part_kinds(page) == ["text", "image"]
    assert visible(element(page, "reading-place")).count("Whose logo?") == 1
    assert has(page, 'img[width="48"][height="32"]')
    assert "High detail" in page
    assert "base64" not in page


def test_pictures_sound_and_files_come_as_what_they_are(reader: Client, stored: Store) -> None:
    png = make_png(4, 4)
    parts = [
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64," + base64.b64encode(png).decode()}},
        {
            "type": "input_audio",
            "input_audio": {"data": base64.b64encode(b"RIFF....WAVEfmt ").decode(), "format": "wav"},
        },
        {
            "type": "file",
            "file": {"filename": 'bill "x"\u202e.pdf', "file_data": "data:application/pdf;base64,JVBERi0xLjc="},
        },
        {
            "type": "image_url",
            "image_url": {"url": "data:image/svg+xml;base64," + base64.b64encode(b"<svg/>").decode()},
        },
    ]
    conversation(reader, stored, say("user", "", content_parts=parts))
    answers = [reader.get(f"/completions/chatcmpl-one/messages/chatcmpl-one-0/parts/{n}/") for n in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 404]
    assert [answer["Content-Type"] for answer in answers[:4]] == [
        "image/png", "audio/wav", "application/octet-stream", "application/octet-stream",
    ]  # fmt: skip
    assert answers[0].content == png
    assert parse_header_parameters(answers[2]["Content-Disposition"])[1]["filename"].startswith("bill ")
    assert answers[3]["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ({"url": "https://cdn.shop.example/a.png?x=1"}, "Image on cdn.shop.example, not loaded"),
        ({"url": ""}, "Image not stored"),
        (None, "Image not stored"),
        ({"url": "javascript:alert(1)"}, "Images are not loaded from this URL javascript:alert(1)"),
        ({"url": "gs://bucket/scan.png"}, "Images are not loaded from this URL gs://bucket/scan.png"),
        ({"url": "data:image/svg+xml,<svg onload=alert(1)>"}, "This image cannot be shown here"),
        (
            {"url": "data:image/svg+xml;base64,PHN2Zy8+"},
            "This image cannot be shown here Download Image 1, 6 bytes",
        ),
        ("https://cdn.shop.example/bare.png", "Image on cdn.shop.example, not loaded"),
    ],
)
def test_a_picture_that_is_not_shown_is_named(reader: Client, stored: Store, image: Any, said: str) -> None:
    page = conversation(reader, stored, say("user", "", content_parts=[{"type": "image_url", "image_url": image}]))
    assert said in visible(page)
    assert not has(page, "img")


def test_pictures_are_told_by_number_and_sender(reader: Client, stored: Store) -> None:
    data = "data:image/png;base64," + base64.b64encode(make_png(48, 32)).decode()
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in (data, "", "https://a.example/b.png", data)]
    page = conversation(
        reader, stored, *(say(role, None, content_parts=parts) for role in ("user", "system", "critic"))
    )
    described = elements(page, "[alt], [data-alt]")
    said = [found.attributes.get("alt") or found.attributes.get("data-alt") for found in described]
    assert said == [
        f"Image {n}{sender}, no description given"
        for sender in (" (Customer)", " (System prompt)", "")
        for n in (1, 3, 4)
    ]
    assert texts(page, "span").count("Image 2") == 3


def test_what_cannot_be_drawn_is_named_and_shown_as_json(reader: Client, stored: Store) -> None:
    unknown = {"type": "hologram", "hologram": {"depth": 12345678901234567890}}
    page = conversation(
        reader, stored, say("user", None, content_parts=[unknown, "bare", 7, None]), say("user", {"text": "odd"}),
        say("assistant", "x", thinking={"a": 1}, refusal=["list"]),
    )  # fmt: skip
    assert "Unsupported content: hologram" in visible(page)
    assert "12345678901234567890" in page
    assert "Unsupported content: a number" in visible(page)
    assert "Unsupported content: an object" in visible(page)
    assert "bare" in visible(page)
    assert "Other fields refusal" in visible(page)


def test_refusals_reasoning_audio_and_sources_have_their_place(reader: Client, stored: Store) -> None:
    cited = [
        {
            "type": "url_citation",
            "url_citation": {"url": "https://help.example/a", "title": "Help", "start_index": 0, "end_index": 1},
        },
        {"type": "url_citation", "url_citation": {"url": "javascript:alert(1)", "title": "Bad"}},
    ]
    page = conversation(
        reader, stored, say("assistant", None, refusal="I cannot."), say("assistant", "x", reasoning_content="because"),
        say("assistant", None, audio={"id": "audio_1", "data": "", "transcript": "spoken words", "expires_at": 1}),
        say("assistant", "see", annotations=cited), say("user", None),
    )  # fmt: skip
    assert {"refusal", "reasoning", "audio"} <= set(part_kinds(page))
    assert "spoken words" in visible(page)
    assert has(page, 'a[data-citation][href="https://help.example/a"][rel="noopener noreferrer nofollow ugc"]')
    assert 'href="javascript' not in page
    assert "Empty message" in visible(page)


def test_every_field_of_reasoning_has_a_fold_of_its_own_with_its_name(reader: Client, stored: Store) -> None:
    details = [{"type": "reasoning.text", "text": "<b>step"}, {"type": "reasoning.encrypted", "data": "gAAA"}]
    page = conversation(
        reader, stored,
        say("assistant", "x", reasoning="why \u202e", reasoning_content="because", reasoning_details=details),
        say("assistant", None, reasoning="only this"),
    )  # fmt: skip
    text = visible(page)
    assert part_kinds(page).count("reasoning") == 4
    assert "Reasoning reasoning_content, 7 characters because" in text
    assert "Reasoning reasoning, 12 characters why [U+202E]" in text
    assert "Reasoning reasoning_details, 7 characters <b>step [ {" in text
    assert "gAAA" in text
    assert "Reasoning 9 characters only this" in text  # one alone needs no name
    assert "Empty message" not in text


def test_very_long_reasoning_is_shown_by_its_beginning_and_leads_to_the_json(reader: Client, stored: Store) -> None:
    thought = "first " + "word " * 5000 + "the very end"
    page = conversation(
        reader, stored, say("assistant", "x", reasoning=thought, reasoning_details=[{"text": thought}]),
        choices=[make_choice("y", reasoning=thought)],
    )  # fmt: skip
    assert visible(page).count("25 kB") == 2  # what is mirrored under two names is one
    assert visible(page).count("first word") == 2
    assert "the very end" not in page
    for address in ("messages/chatcmpl-one-0/raw/", "choices/0/raw/"):
        assert has(page, f'a.button[href="/completions/chatcmpl-one/{address}"]')
        assert "the very end" in opened(reader, f"/completions/chatcmpl-one/{address}")


def test_a_message_without_an_address_carries_its_json() -> None:
    picture = {"type": "image_url", "image_url": {"url": base64.b64encode(make_png(4, 4)).decode()}}
    sound = {"type": "input_audio", "input_audio": {"data": base64.b64encode(b"\1\2" * 9).decode(), "format": "pcm16"}}
    parts = json.dumps([{"type": "text", "text": "x"}, picture, sound])
    nameless = read_message(f'{{"role":"user","content_parts":{parts},"weight":1.10}}')
    bubbles = build_bubbles(RenderContext("chatcmpl-one"), [nameless])
    page = draw_bubble(bubbles[0])
    assert "/raw/" not in page
    assert "JSON, as received {" in visible(page)
    assert "1.10" in page
    assert visible(page).count("Cannot be shown, because the message has no id") == 2
    assert "src=" not in page
    (seen,) = for_customer(bubbles)
    assert "JSON" not in draw_bubble(seen)


def test_sound_says_what_is_assumed_and_what_has_expired(reader: Client, stored: Store) -> None:
    samples = base64.b64encode(b"\x01\x02" * 400).decode()
    spoken = {"id": "audio_1", "data": samples, "transcript": "hello", "expires_at": 1_729_000_000}
    part = {"type": "input_audio", "input_audio": {"data": samples, "format": "pcm16"}}
    page = conversation(reader, stored, say("assistant", None, audio=spoken), say("user", "", content_parts=[part]))
    text = visible(page)
    assert text.count("Raw audio, played as 16-bit mono at 24,000 Hz") == 2
    assert "Expired at OpenAI on 15 Oct 2024, kept here" in text
    for message in (0, 1):
        sound = reader.get(f"/completions/chatcmpl-one/messages/chatcmpl-one-{message}/parts/0/?raw")
        assert sound["Content-Type"] == "audio/wav"
        assert len(sound.content) == 44 + 800


# The answer


def test_every_choice_stands_after_the_messages_with_its_finish_reason_in_words(reader: Client, stored: Store) -> None:
    choices = [make_choice("First."), make_choice("Second, cut", 1, finish_reason="length")]
    page = conversation(reader, stored, say("user", "Two, please"), choices=choices)
    shown = ["data-answer" in found.attributes for found in elements(page, "[data-answer], [data-message-id]")]
    assert shown == [False, True]
    assert attributes(page, "data-choice") == ["0", "1"]
    text = visible(page)
    assert "Answer 1 of 2 : copy the link to this answer Finished" in text
    assert "Answer 2 of 2 : copy the link to this answer Cut off at the token limit" in text


def test_log_probabilities_are_told_and_not_dumped(reader: Client, stored: Store) -> None:
    token = {"token": "Yes", "logprob": -0.1234, "bytes": None, "top_logprobs": []}
    given = {**make_choice("Yes"), "logprobs": {"content": [token], "refusal": None}, "stop_reason": 128_009}
    page = conversation(reader, stored, say("user", "Sure?"), choices=[make_choice("No"), given])
    assert "-0.1234" not in page
    assert visible(page).count("Log probabilities are stored in the JSON of this answer") == 1
    assert "Other fields stop_reason" in visible(page)
    assert reader.get("/completions/chatcmpl-one/choices/1/raw/").json() == given
    assert reader.get("/completions/chatcmpl-one/choices/2/raw/").status_code == 404
    reader.cookies["audience"] = "customer"
    assert "Log probabilities" not in opened(reader, "/completions/chatcmpl-one/")


def test_choices_are_found_by_their_place_whatever_their_index(reader: Client, stored: Store) -> None:
    choices = [{**make_choice(f"Answer {n}"), "index": index} for n, index in enumerate([-1, -1, "x", 2**70])]
    choices += [None, {"message": 7, "finish_reason": 5}]
    page = conversation(reader, stored, say("user", "Six?"), choices=choices)
    assert attributes(page, "data-choice") == [str(n) for n in range(6)]
    for n, given in enumerate(choices):
        assert has(page, f'a[href="/completions/chatcmpl-one/choices/{n}/raw/"]')
        assert reader.get(f"/completions/chatcmpl-one/choices/{n}/raw/").json() == given


@pytest.mark.parametrize("choices", [["Red."], ["Red.", "Blue."]])
def test_an_answer_that_the_server_appended_is_not_shown_twice(
    reader: Client, stored: Store, choices: list[str]
) -> None:
    appended = [say("assistant", text) for text in choices]
    page = conversation(
        reader, stored, say("user", "A colour?"), *appended,
        choices=[make_choice(text, n, finish_reason="length") for n, text in enumerate(choices)],
    )  # fmt: skip
    assert not has(page, "[data-answer]")
    assert visible(page).count("Red.") == 1
    assert texts(page, ".message__head > .chip") == ["Cut off at the token limit"] * len(choices)
    assert ("Answer 2 of 2" if len(choices) == 2 else "Answer") in visible(page)
    newest_first = visible(opened(reader, "/completions/chatcmpl-one/?order=desc"))
    assert newest_first.count("Cut off at the token limit") == 2 * len(choices)  # at the beginning and at the end
    if len(choices) == 2:
        assert newest_first.index("Answer 2 of 2") < newest_first.index("Blue.") < newest_first.index("Answer 1 of 2")


def test_the_answer_is_shown_when_an_earlier_message_merely_says_the_same(reader: Client, stored: Store) -> None:
    page = conversation(reader, stored, say("assistant", "Yes."), say("user", "Sure?"), choices=[make_choice("Yes.")])
    assert attributes(page, "data-choice") == ["0"]


def test_the_answers_audio_has_an_address_of_its_own(reader: Client, stored: Store) -> None:
    audio = {"id": "a", "data": base64.b64encode(b"ID3\x04sound").decode(), "transcript": "hello", "expires_at": 1}
    page = conversation(reader, stored, say("user", "Hi"), choices=[make_choice(None, audio=audio)])
    assert attributes(page, "src", "audio") == ["/completions/chatcmpl-one/choices/0/parts/0/"]
    assert reader.get("/completions/chatcmpl-one/choices/0/parts/0/")["Content-Type"] == "audio/mpeg"
    assert reader.get("/completions/chatcmpl-one/choices/1/parts/0/").status_code == 404


# Heading and facts


def test_the_heading_and_the_facts_tell_what_is_known(reader: Client, stored: Store) -> None:
    page = conversation(
        reader, stored, say("user", "Hello there"), metadata={"ticket": "A-1 & 2"}, temperature=0.20, seed=-9007199254740993,
    )  # fmt: skip
    text = visible(page)
    assert texts(page, "h1") == ["Hello there"]
    assert "gpt-4.1" in text
    assert "20 in, 10 out" in text
    assert "-9007199254740993" in text
    assert "Finish reason stop" in text
    assert has(page, 'a[href="/completions/?metadata%5Bticket%5D=A-1+%26+2"]')
    assert "1 Nov 2025, 12:26 UTC" in text


def test_times_are_the_readers(reader: Client, stored: Store) -> None:
    reader.cookies["timezone"] = "Asia/Tokyo"
    page = conversation(reader, stored, say("user", "Hello"))
    assert "1 Nov 2025, 21:26 JST" in visible(page)
    assert has(page, 'time[title="2025-11-01 12:26:40 UTC"]')
    reader.cookies["timezone"] = "../../etc/passwd"
    assert "12:26 UTC" in opened(reader, "/completions/chatcmpl-one/")


def test_the_raw_json_comes_as_it_was_stored(reader: Client, stored: Store) -> None:
    stored(make_completion("chatcmpl-one", say("user", "x"), seed=12345678901234567890))
    answer = reader.get("/completions/chatcmpl-one/raw/")
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(answer.content)["seed"] == 12345678901234567890


@pytest.mark.parametrize("count", [30, 600])
@pytest.mark.parametrize("address", ["/", "/messages/chatcmpl-one-25/", "/?order=desc"])
def test_a_page_takes_at_most_seventeen_queries_however_long_the_conversation_is(
    reader: Client, stored: Store, django_assert_max_num_queries: Any, address: str, count: int
) -> None:
    stored(make_long("chatcmpl-one", count))
    opened(reader, f"/completions/chatcmpl-one{address}")  # the first time it is marked as seen
    with django_assert_max_num_queries(17):  # one of them says who read it, one that it was read
        opened(reader, f"/completions/chatcmpl-one{address}")


@pytest.mark.parametrize("address", ["/", "/messages/chatcmpl-one-25/", "/?order=desc"])
def test_a_page_parses_each_message_once(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    stored(make_long("chatcmpl-one", 60))
    parsed: list[str] = []

    def parse(text: str, role: str = "", values: Any = None) -> Any:
        message = read_message(text, role, values)
        parsed.append(message.id)
        return message

    monkeypatch.setattr("viewer.completions.reading.read_message", parse)
    page = opened(reader, f"/completions/chatcmpl-one{address}")
    of_messages = [one for one in parsed if one]  # the answer is read by the same function, and has no id
    assert sorted(of_messages) == sorted(set(of_messages))
    assert set(message_ids(page)) <= set(of_messages)


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_a_message_whose_only_text_is_empty_says_so(reader: Client, stored: Store, role: str) -> None:
    page = conversation(reader, stored, say(role, [{"type": "text", "text": ""}]), choices=[])
    assert "Empty message" in visible(page)


def test_an_error_in_the_place_of_an_answer_is_no_answer(reader: Client, stored: Store) -> None:
    failed = say("assistant", None, error={"message": "Gone."})
    stored(make_completion("chatcmpl-one", say("user", "Hi"), failed, choices=[], error={"message": "Used up."}))
    assert "No answer is stored. Used up." in visible(opened(reader, "/completions/chatcmpl-one/"))


def test_an_answer_that_is_an_error_is_not_said_to_be_empty(reader: Client, stored: Store) -> None:
    page = conversation(reader, stored, say("assistant", None, error="Gone."), choices=[])
    assert "Error: Gone." in visible(page)
    assert "Empty message" not in visible(page)


@pytest.mark.parametrize(("more", "is_said"), [({}, False), ({"model": "gpt-4.1"}, True), ({"error": "Gone."}, True)])
def test_where_people_talked_the_customer_may_have_the_last_word(
    reader: Client, stored: Store, more: dict[str, Any], is_said: bool
) -> None:
    written = {"model": None, "lectern": {"format": "whatsapp"}, **more}
    talk = [say("user", "Where is it?"), say("assistant", "On its way"), say("user", "Thanks")]
    stored(make_completion("chatcmpl-one", *talk, choices=[], **written))
    for address in ("/completions/chatcmpl-one/", "/completions/chatcmpl-one/transcript/?format=text"):
        assert ("No answer is stored." in reader.get(address).getvalue().decode()) == is_said


def test_a_choice_without_a_message_says_why(reader: Client, stored: Store) -> None:
    choice = {"index": 0, "message": None, "finish_reason": "error", "error": {"code": 502, "message": "Gone."}}
    assert "Error: 502: Gone." in visible(conversation(reader, stored, say("user", "Hi"), choices=[choice]))


def test_what_nobody_said_of_a_conversation_is_asked_for_by_one_query(
    reader: Client, stored: Store, django_assert_max_num_queries: Any
) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Hello"), say("assistant", "Good morning")))
    reader.get("/completions/chatcmpl-one/")
    with django_assert_max_num_queries(14) as asked:
        reader.get("/completions/chatcmpl-one/")
    tables = ("archive_completionlabel", "archive_completionstate", "review_note", "review_verdict")
    assert len([one for one in asked if any(table in one["sql"] for table in tables)]) == 1
