from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client

from tests.conftest import make_choice, make_completion, make_key, make_long, say
from tests.images import make_png
from tests.pages import attributes, element, elements, has, message_ids, problems, texts, visible
from tests.said import said_in, say_instead
from tests.upstream import HEX, LONG, MESSAGES, Upstream
from viewer.archive.importing import import_lines
from viewer.archive.models import StoredCompletion
from viewer.keys.models import ApiKey

Store = Callable[..., Any]
ONE = "/completions/chatcmpl-one/transcript/"
OVERRIDE = "\u202e"


def taken(reader: Client, **asked: str) -> str:
    answer = reader.get(ONE, asked)
    assert answer.status_code == 200
    return answer.getvalue().decode()


def transcript(reader: Client, stored: Store, *messages: dict[str, Any], **asked: str) -> str:
    stored(make_completion("chatcmpl-one", *messages, choices=[]))
    return taken(reader, **asked)


# The head and the file


@pytest.mark.parametrize(
    ("form", "content_type", "ending"),
    [
        ("markdown", "text/markdown", "md"),
        ("text", "text/plain", "txt"),
        ("json", "application/json", "json"),
        ("jsonl", "application/jsonl", "jsonl"),
    ],
)
def test_a_transcript_is_a_download_that_streams_and_is_taken_for_nothing_else(
    reader: Client, stored: Store, form: str, content_type: str, ending: str
) -> None:
    stored(make_long("chatcmpl-one", 3))
    answer = reader.get(ONE, {"format": form})
    assert answer.streaming
    assert answer["Content-Type"] == f"{content_type}; charset=utf-8"
    assert answer["Content-Disposition"].startswith(f'attachment; filename="chatcmpl-one.{ending}"')
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_the_head_says_what_it_is_from_where_and_who_took_it_when(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 3))
    reader.cookies["timezone"] = "Europe/Berlin"
    head = taken(reader, format="text").split("\n== ")[0]
    assert "Conversation: chatcmpl-one\n" in head
    assert "http://testserver/completions/chatcmpl-one/\n" in head
    assert re.search(r"Model: +gpt-4\.1\n", head)
    assert "1 Nov 2025, 13:26 CET (2025-11-01 12:26:40 UTC)" in head
    assert re.search(r"Exported: +by alice, \d+ \w+ \d{4}, \d\d:\d\d CES?T \(", head)


def test_an_unknown_format_and_a_part_of_a_json_line_are_refused(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 3))
    assert reader.get(ONE, {"format": "docx"}).status_code == 404
    assert reader.get(ONE, {"format": "jsonl", "from": "chatcmpl-one-1"}).status_code == 400
    assert reader.head(ONE).status_code == 405


def test_what_is_not_there_is_a_problem_and_no_file(reader: Client, stored: Store) -> None:
    answer = reader.get(ONE)
    assert answer.status_code == 404
    assert problems(answer.text) == ["not-found"]
    assert "Content-Disposition" not in answer


# Which messages


def numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"^(?:== |## \[)#(\d+)", text, re.MULTILINE)]


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_every_message_is_there_once_in_order_with_its_number_then_the_answer(
    reader: Client, stored: Store, form: str
) -> None:
    stored(make_long("chatcmpl-one", 250))
    text = taken(reader, format=form)
    assert numbers(text) == list(range(250))
    assert text.index("Message number 249 of 250.") < text.index("Answer") < text.index("You are welcome.")
    assert "End of the transcript, 251 messages." in text.rstrip().rsplit("\n", 1)[-1]


@pytest.mark.parametrize("ends", [("chatcmpl-one-120", "chatcmpl-one-260"), ("chatcmpl-one-260", "chatcmpl-one-120")])
def test_a_range_is_named_by_its_first_and_last_message(reader: Client, stored: Store, ends: tuple[str, str]) -> None:
    stored(make_long("chatcmpl-one", 300))
    text = taken(reader, **{"format": "text", "from": ends[0], "to": ends[1]})
    assert numbers(text) == list(range(120, 261))
    assert "#120 to #260" in text
    assert "Answer" not in text


def test_a_range_works_where_ids_do_not_count(reader: Client, stored: Store) -> None:
    long = make_long("chatcmpl-one", 300, prefix="msg_")
    stored(long)
    ids = [message["id"] for message in long["messages"]]
    got = json.loads(taken(reader, **{"format": "json", "from": ids[95], "to": ids[205]}))
    assert [message["id"] for message in got["messages"]] == ids[95:206]
    assert numbers(taken(reader, format="text")) == list(range(300))


def test_a_range_whose_end_is_never_met_says_so(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 30))
    text = taken(reader, format="text", to="chatcmpl-two-4")
    assert text.rstrip().rsplit("\n", 1)[-1].startswith("-- INCOMPLETE: stopped after #29.")


# What of them

CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"order": 4711}'}}
WITH_TOOLS = (
    say("system", "You are a desk."),
    say("user", "Where is it?"),
    say("assistant", None, tool_calls=[CALL], reasoning_content="Perhaps lost."),
    say("tool", '{"state": "lost"}', tool_call_id="call_1"),
    say("assistant", "It is lost."),
)


def test_tool_calls_are_in_with_their_ties(reader: Client, stored: Store) -> None:
    text = transcript(reader, stored, *WITH_TOOLS, format="text")
    assert "Tool call · look_up · call_1\n    {\n" in text
    assert '"order": 4711' in text
    assert "Result · look_up · call_1 · call in #2\n" in text
    assert "Reasoning (reasoning_content):\n    Perhaps lost." in text


def test_a_result_is_tied_to_its_call_over_the_edge_of_a_page_and_a_long_one_is_whole(
    reader: Client, stored: Store
) -> None:
    long = make_long("chatcmpl-one", 99)["messages"]
    said = say("tool", "word " * 2_000 + "the end", tool_call_id="call_1")
    text = transcript(reader, stored, *long, say("assistant", None, tool_calls=[CALL]), said, format="text")
    assert "Result · look_up · call_1 · call in #99\n" in text
    assert "the end" in text


def test_tool_calls_can_be_left_out(reader: Client, stored: Store) -> None:
    text = transcript(reader, stored, *WITH_TOOLS, format="text", include="no-tools")
    assert numbers(text) == [0, 1, 4]
    assert "look_up" not in text
    assert "Tool calls and results are left out." in text


def test_tool_calls_of_the_answer_can_be_left_out_too(reader: Client, stored: Store) -> None:
    stored(make_completion("chatcmpl-one", say("user", "x"), choices=[make_choice("One moment.", tool_calls=[CALL])]))
    assert "look_up" in taken(reader, format="text", include="everything")
    text = taken(reader, format="text", include="no-tools")
    assert "One moment." in text
    assert "look_up" not in text


@pytest.mark.parametrize("by", ["the form", "the switch"])
def test_the_customers_view_is_respected(reader: Client, stored: Store, by: str) -> None:
    asked = {"include": "customer"} if by == "the form" else {}
    if by == "the switch":
        reader.cookies["audience"] = "customer"
    text = transcript(reader, stored, *WITH_TOOLS, format="text", **asked)
    assert numbers(text) == [1, 4]
    for unseen in ("You are a desk", "look_up", "Perhaps", "state"):
        assert unseen not in text
    assert "(2 not seen by the customer: tool call, reasoning, tool result)" in text


def test_pictures_and_files_are_named_with_type_size_and_address(reader: Client, stored: Store) -> None:
    png = "data:image/png;base64," + base64.b64encode(make_png(64, 48)).decode()
    parts = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": png}},
        {"type": "image_url", "image_url": {"url": "https://pictures.example/cat.png"}},
        {"type": "file", "file": {"filename": "# plan `x`.pdf", "file_data": "JVBERi0xLjcK"}},
    ]
    text = transcript(reader, stored, say("user", None, content_parts=parts), format="markdown")
    base = "http://testserver/completions/chatcmpl-one/messages/chatcmpl-one-0/parts"
    assert re.search(rf"^Image, image/png, 64 × 48, \d+ bytes <{base}/1/>$", text, re.MULTILINE)
    assert "Image on pictures.example, not loaded, https://pictures.example/cat.png" in text
    assert re.search(rf"^\\# plan \\`x\\`\.pdf, .*<{base}/3/>$", text, re.MULTILINE)


def test_sources_are_numbered_where_they_are_cited_and_listed_at_the_end(reader: Client, stored: Store) -> None:
    said = "Rain is wet, and snow is cold."
    notes = [
        {"type": "url_citation", "url_citation": {"url": url, "title": title, "start_index": start, "end_index": end}}
        for url, title, start, end in [
            ("https://a.example/rain", "On rain", 0, 11),
            ("https://b.example/snow", "On [snow]", 17, 29),
        ]
    ]
    text = transcript(reader, stored, say("assistant", said, annotations=notes), format="markdown")
    assert "> Rain is wet [1], and snow is cold [2]." in text
    assert "\n1. On rain <https://a.example/rain>\n" in text
    assert "\n2. On \\[snow\\] <https://b.example/snow>\n" in text


def test_an_answer_that_the_messages_end_with_stands_there_once(reader: Client, stored: Store) -> None:
    note = {"url": "https://a.example/rain", "title": "On rain", "start_index": 0, "end_index": 4}
    cited = [{"type": "url_citation", "url_citation": note}]
    choice = make_choice("Rain is wet.", annotations=cited)
    stored(make_completion("chatcmpl-one", say("user", "Well?"), say("assistant", "Rain is wet."), choices=[choice]))
    assert taken(reader, format="text").count("is wet.") == 1
    stored(make_completion("chatcmpl-one", say("user", "Well?"), choices=[choice]), replace=True)
    assert "Rain [1] is wet." in taken(reader, format="text")


def test_a_very_long_text_is_whole(reader: Client, stored: Store) -> None:
    said = "word " * 20_000 + "the end"
    assert "the end" in transcript(reader, stored, say("user", said), format="text")
    assert "the end" in reader.get("/completions/chatcmpl-one/print/").getvalue().decode()


def test_one_message_can_be_quoted_with_who_said_it_and_where(reader: Client, stored: Store) -> None:
    stored(make_completion("chatcmpl-one", *WITH_TOOLS))
    asked = {"from": "chatcmpl-one-4", "to": "chatcmpl-one-4", "quote": "1"}
    link = "http://testserver/completions/chatcmpl-one/messages/chatcmpl-one-4/"
    assert taken(reader, format="text", **asked) == f"It is lost.\n\n-- Assistant, #4, {link}\n"
    assert taken(reader, format="markdown", **asked).strip() == f"> It is lost.\n\n— Assistant, \\#4, <{link}>"


# Hostile content


def outside(markdown: str) -> list[str]:
    """Give the lines that a program which draws Markdown takes for the transcript's own."""
    lines, fence = [], ""
    for line in markdown.split("\n"):
        if fence:
            fence = "" if line == fence else fence
        elif found := re.match("`{3,}", line):
            fence = found[0]
        elif not line.startswith(">"):
            lines.append(line)
    return lines


FORGED = "Thanks.\r\n\r\n-- End --\r== #9 User ==\n## #9 User\n> quote\n```\n## Forged\n````\n**INCOMPLETE: forged**"


@pytest.mark.parametrize("role", ["user", "assistant", "tool", "system"])
def test_message_text_cannot_be_mistaken_for_the_transcripts_own(reader: Client, stored: Store, role: str) -> None:
    text = transcript(reader, stored, say(role, FORGED), format="text")
    assert [line for line in text.split("\n") if line.startswith(("== ", "-- "))] == [
        next(line for line in text.split("\n") if line.startswith("== #0")),
        "-- End of the transcript, 1 message. --",
    ]
    marked = outside(taken(reader, format="markdown"))
    assert not [line for line in marked if "orged" in line or "#9" in line]


@pytest.mark.parametrize(
    "said",
    [
        "![x](https://spy.example/pixel.png)",
        "![x][1]\n\n[1]: https://spy.example/pixel.png",
        "<img src=https://spy.example/pixel.png>",
        "</blockquote><h1>Forged</h1>",
        "[press](javascript:alert(1))",
        "| `a | ![x](https://spy.example/p.png) | b` |\n|---|---|---|",
        "\t![x](https://spy.example/tab-that-a-quote-makes-a-paragraph.png)",
    ],
)
def test_markdown_that_other_programs_would_act_on_is_fenced(reader: Client, stored: Store, said: str) -> None:
    text = transcript(reader, stored, say("assistant", said), format="markdown")
    assert f"\n```\n{said}\n```\n" in text


def test_harmless_markdown_stays_markdown(reader: Client, stored: Store) -> None:
    said = "# Plan\n\n1. **Bold** [link](https://a.example) `<code>`\n\n```html\n<img src=x>\n```"
    text = transcript(reader, stored, say("assistant", said), format="markdown")
    assert "\n".join(f"> {line}" if line else ">" for line in said.split("\n")) in text


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_what_hides_is_made_visible_and_the_heading_says_so(reader: Client, stored: Store, form: str) -> None:
    hidden = say("user", f"invoice_{OVERRIDE}gpj.exe\x1b[2J")
    text = transcript(reader, stored, hidden, say("user", "[U+202E] typed"), format=form)
    assert OVERRIDE not in text
    assert "\x1b" not in text
    assert "invoice_[U+202E]gpj.exe␛[2J" in text
    headings = [line for line in text.split("\n") if line.startswith(("== #", "## "))]
    assert ["hidden characters made visible" in heading for heading in headings] == [True, False]
    assert OVERRIDE in json.loads(taken(reader, format="json"))["messages"][0]["content"]


def test_names_of_a_stranger_are_no_markup(reader: Client, stored: Store) -> None:
    call = {
        "id": "x](https://spy.example)",
        "type": "function",
        "function": {"name": "![a](b)\n## c", "arguments": "{}"},
    }
    text = transcript(reader, stored, say("<b>x</b>", "hi", name="[n](u)"), say("assistant", None, tool_calls=[call]))
    assert "\\<b\\>x\\</b\\>" in text
    assert "\\[n\\](u)" in text
    assert "\\!\\[a\\](b) \\#\\# c · x\\](https://spy.example)" in text


# JSON, and back again


def test_json_is_as_received(reader: Client, stored: Store) -> None:
    odd = '{"id":"chatcmpl-one-0","role":"user","content":"\\u00e9","name":null,"refusal":null,"n":1.10,"big":12345678901234567890,"content_parts":null}'
    line = (
        f'{{"id":"chatcmpl-one","created":1,"object":"chat.completion","seed":1e400,"choices":[],"messages":[{odd}]}}'
    )
    list(import_lines([line.encode()]))
    text = taken(reader, format="json", include="customer")
    assert odd in text
    assert '"seed":1e400' in text
    assert json.loads(text)["incomplete"] is None


def test_a_round_trip_by_json_lines_loses_nothing(reader: Client, stored: Store) -> None:
    odd = '{"role":"user","content":"\\u00e9 \\ud83d\\ude00","a":1.10,"a":2e5,"weird" : [ 1,2 ]}'
    line = f'{{"id":"chatcmpl-one","created":1,"object":"chat.completion","metadata":{{"k":"v"}},"x" : 1.0,"choices":[],"messages":[{odd}'
    more = "".join(f",{json.dumps(message)}" for message in make_long("chatcmpl-one", 250)["messages"][1:])
    list(import_lines([f"{line}{more}]}}".encode()]))
    before = everything()
    exported = taken(reader, format="jsonl")
    assert exported.count("\n") == 1
    StoredCompletion.objects.all().delete()
    assert [outcome.status for outcome in import_lines(exported.encode().splitlines(True))] == ["imported"]
    assert everything() == before
    assert taken(reader, format="jsonl") == exported


def everything() -> tuple[Any, ...]:
    completions = list(StoredCompletion.objects.values_list("completion_id", "body", "created", "model"))
    return completions, said_in()


def test_line_breaks_between_the_tokens_of_a_server_do_not_break_the_line(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(make_completion("chatcmpl-one", say("user", "x")))
    body = '{\n  "id": "chatcmpl-one-0",\r\n  "role": "user", "content": "one\\ntwo \nbare"\n}'
    say_instead(StoredCompletion.objects.get(), [("chatcmpl-one-0", body)])
    exported = taken(reader, format="jsonl")
    assert exported.count("\n") == 1
    assert json.loads(exported)["messages"][0]["content"] == "one\ntwo \nbare"
    assert body in taken(reader, format="json")


# A source that has a bad day


@pytest.fixture
def elsewhere(reader: Client, upstream: Upstream, alice: User) -> Upstream:
    """An upstream that alice browses with her key."""
    ApiKey.objects.choose(alice, make_key(alice, base_url=upstream.base()))
    return upstream


def test_a_conversation_from_upstream_is_read_to_its_end(reader: Client, elsewhere: Upstream) -> None:
    answer = reader.get(f"/completions/{HEX}/transcript/", {"format": "jsonl"})
    assert json.loads(answer.getvalue())["messages"] == MESSAGES[HEX]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "markdown", "json", "jsonl"])
def test_what_breaks_off_in_the_middle_says_so_in_its_last_line_and_is_not_taken_for_whole(
    reader: Client, elsewhere: Upstream, form: str
) -> None:
    text = broken_off(reader, elsewhere, f"transcript/?format={form}")
    last = text.rstrip("\n").rsplit("\n", 1)[-1]
    assert " is unavailable" in last
    match form:
        case "json":
            got = json.loads(text)
            assert got["messages"] == MESSAGES[LONG][:100]
            assert got["incomplete"].startswith("work is unavailable")
        case "jsonl":
            outcomes = list(import_lines(text.encode().splitlines(True)))
            assert [outcome.status for outcome in outcomes] == ["bad", "bad"]
            assert outcomes[1].message.startswith("the export broke off here: work is unavailable")
            assert not StoredCompletion.objects.exists()
        case _:
            assert numbers(text) == list(range(100))
            assert "INCOMPLETE: stopped after #99." in last.replace("\\", "")
            assert "End of the transcript" not in text


@pytest.mark.slow
def test_a_print_that_breaks_off_shows_the_problem(reader: Client, elsewhere: Upstream) -> None:
    page = broken_off(reader, elsewhere, "print/")
    assert len(message_ids(page)) == 100
    last, problem = elements(page, "article, [data-problem]")[-2:]
    assert last.attributes["data-message-id"] == f"{LONG}-99"
    assert problem.attributes["data-problem"] == "unavailable"
    assert page.rstrip().endswith("</html>")
    assert "End of the conversation" not in page


def broken_off(reader: Client, elsewhere: Upstream, address: str) -> str:
    """Export a conversation of which only the first page can be read."""
    answer = reader.get(f"/completions/{LONG}/{address}")
    assert answer.status_code == 200
    elsewhere.set("mode", "reset")
    return answer.getvalue().decode()


def test_a_server_whose_messages_lead_nowhere_ends_it(reader: Client, alice: User, upstream: Upstream) -> None:
    ApiKey.objects.choose(alice, make_key(alice, base_url=upstream.base("ids-empty")))
    text = reader.get(f"/completions/{LONG}/transcript/?format=text").getvalue().decode()
    assert "-- INCOMPLETE: stopped after #99. work sent an invalid response" in text


# Print


def test_the_print_has_every_message_and_the_answer(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 250))
    answer = reader.get("/completions/chatcmpl-one/print/")
    page = answer.getvalue().decode()
    assert answer.streaming
    assert message_ids(page) == [f"chatcmpl-one-{n}" for n in range(250)]
    *_, last, answers = elements(page, "[data-message-id], [data-answer]")
    assert (last.attributes["data-message-id"], "data-answer" in answers.attributes) == ("chatcmpl-one-249", True)
    assert visible(page).index("You are welcome.") < visible(page).index("End of the conversation")
    assert "by alice" in visible(page)
    assert not has(page, "[data-more]")


def test_the_print_respects_the_customers_view(reader: Client, stored: Store) -> None:
    stored(make_completion("chatcmpl-one", *WITH_TOOLS))
    page = reader.get("/completions/chatcmpl-one/print/?include=customer").getvalue().decode()
    assert "look_up" not in page
    assert has(page, "[data-hidden]")


# The form


def test_a_conversation_offers_it_without_javascript(reader: Client, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 3))
    page = reader.get("/completions/chatcmpl-one/").content.decode()
    form = element(page, f'.menu__panel form[action="{ONE}"]:not([hidden])')
    assert has(form, 'button[formaction="/completions/chatcmpl-one/print/"]')
    assert attributes(form, "value", "option")[0] == "everything"
    assert not has(form, "option[selected]")
    reader.cookies["audience"] = "customer"
    page = reader.get("/completions/chatcmpl-one/").text
    assert attributes(page, "value", ".menu__panel option[selected]") == ["customer"]


@pytest.mark.parametrize("url", ["gs://b/a.png", "attachment://a.png", "/uploads/a.png"])
def test_a_picture_known_by_its_address_is_named_by_it(reader: Client, stored: Store, url: str) -> None:
    assert url in transcript(
        reader, stored, say("user", [{"type": "image_url", "image_url": {"url": url}}]), format="text"
    )


def test_an_error_beside_a_call_that_is_left_out_stays(reader: Client, stored: Store) -> None:
    failed = say("assistant", None, tool_calls=[CALL], error={"message": "Gone."})
    text = transcript(reader, stored, failed, format="text", include="no-tools")
    assert "Gone." in text
    assert "look_up" not in text


def test_invisible_characters_in_the_result_of_a_call_are_noted_too(reader: Client, stored: Store) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, "output": f"a{OVERRIDE}b"}
    asks = say("assistant", None, tool_calls=[call])
    assert "hidden characters made visible" in transcript(reader, stored, asks, format="text")


@pytest.mark.parametrize("form", ["print/?", "transcript/?format=text&", "transcript/?format=markdown&"])
def test_other_fields_of_the_completion_are_exported_with_everything(reader: Client, stored: Store, form: str) -> None:
    stored(make_completion("c", say("user", "Hello"), desk={"floor": "third"}))
    for include, is_there in (("everything", True), ("no-tools", False), ("customer", False)):
        taken = b"".join(reader.get(f"/completions/c/{form}include={include}")).decode()
        assert ("third" in taken) == is_there


# The header


METADATA = {
    "channel": "web-chat",
    "Link": "javascript:alert(1)",
    "ticket": "HB-90417",
    "note": "<b>![x](https://spy.example/p.png)\n## Forged",
    "customer_id": f"cus_{OVERRIDE}1",
}


def header_of(text: str) -> list[str]:
    return re.split(r"\n\n(?:==|##) ", text)[0].split("\n")[2:]


@pytest.fixture
def with_metadata(stored: Store) -> None:
    caches["guesses"].clear()  # the keys that another test's metadata suggested
    stored(make_completion("chatcmpl-one", *WITH_TOOLS, metadata=METADATA))


def test_the_header_begins_with_customer_and_ticket_then_other_metadata(reader: Client, with_metadata: None) -> None:
    lines = header_of(taken(reader, format="text"))
    assert lines[:5] == [
        "customer_id: cus_[U+202E]1",
        "ticket: HB-90417",
        "channel: web-chat",
        "Link: javascript:alert(1)",
        "note: <b>![x](https://spy.example/p.png) ## Forged",
    ]
    names = [line.split(":")[0] for line in lines[5:]]
    assert names == ["Created", "Model", "Conversation", "Link", "Source", "Exported"]


def test_the_keys_of_the_settings_name_customer_and_ticket(reader: Client, with_metadata: None, settings: Any) -> None:
    settings.CUSTOMER_KEY, settings.TICKET_KEY = "channel", "note"
    assert [line.split(":")[0] for line in header_of(taken(reader, format="text"))[:2]] == ["channel", "note"]


def test_metadata_is_no_markup_and_no_link(reader: Client, with_metadata: None) -> None:
    markdown = header_of(taken(reader, format="markdown"))
    assert "- **Link:** javascript:alert(1)" in markdown
    assert "- **note:** \\<b\\>\\!\\[x\\](https://spy.example/p.png) \\#\\# Forged" in markdown
    assert "- **Link:** <http://testserver/completions/chatcmpl-one/>" in markdown
    for page in (pasted(reader), reader.get("/completions/chatcmpl-one/print/").getvalue().decode()):
        assert "<b>![x](https://spy.example/p.png)" in visible(page)
        assert not has(page, '[href^="javascript"]')
        assert not has(page, "img")


def test_the_print_begins_with_customer_and_ticket(reader: Client, with_metadata: None) -> None:
    page = reader.get("/completions/chatcmpl-one/print/").getvalue().decode()
    assert texts(page, ".print-facts dt")[:3] == ["customer_id", "ticket", "channel"]
    assert texts(page, ".print-facts dd")[:2] == ["cus_[U+202E]1", "HB-90417"]


# What is left out

SENTENCES = {"customer": "Prompts and tool calls are left out.", "no-tools": "Tool calls and results are left out."}
EXPORTS = ["print/?", "transcript/?format=text&", "transcript/?format=markdown&", "transcript/?format=clipboard&"]


def exported(reader: Client, address: str) -> str:
    return reader.get(f"/completions/chatcmpl-one/{address}").getvalue().decode()


@pytest.mark.parametrize("form", EXPORTS)
def test_the_top_says_what_is_left_out(reader: Client, stored: Store, form: str) -> None:
    stored(make_completion("chatcmpl-one", *WITH_TOOLS))
    for include, sentence in SENTENCES.items():
        text = exported(reader, f"{form}include={include}")
        assert text.index(sentence) < text.rindex("Where is it?")
    assert "left out" not in exported(reader, f"{form}include=everything")


@pytest.mark.parametrize("form", EXPORTS)
@pytest.mark.parametrize("include", SENTENCES)
def test_it_does_not_say_so_where_nothing_is(reader: Client, stored: Store, form: str, include: str) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Where is it?"), say("assistant", "It is lost.")))
    assert "left out" not in exported(reader, f"{form}include={include}")
    choice = make_choice("One moment.", tool_calls=[CALL])
    stored(make_completion("chatcmpl-one", say("user", "Where is it?"), choices=[choice]), replace=True)
    assert SENTENCES[include] in exported(reader, f"{form}include={include}")


@pytest.mark.slow
def test_what_breaks_off_while_it_looks_what_is_left_out_is_not_lost(reader: Client, elsewhere: Upstream) -> None:
    answer = reader.get(f"/completions/{LONG}/transcript/?format=text&include=no-tools")
    elsewhere.set("mode", "reset")
    text = answer.getvalue().decode()
    assert numbers(text) == list(range(100))
    assert "INCOMPLETE: stopped after #99." in text


# The clipboard


def flavours(reader: Client, **asked: str) -> tuple[str, str]:
    lines = [json.loads(line) for line in taken(reader, format="clipboard", **asked).splitlines()]
    return "".join(line["text"] for line in lines), "".join(line["html"] for line in lines)


def pasted(reader: Client, **asked: str) -> str:
    return flavours(reader, **asked)[1]


def test_the_text_of_the_clipboard_is_the_plain_text(reader: Client, stored: Store) -> None:
    stored(make_completion("chatcmpl-one", *WITH_TOOLS))
    text, _ = flavours(reader)
    without_time = [line for line in text.split("\n") if not line.startswith("Exported: ")]
    assert without_time == [
        line for line in taken(reader, format="text").split("\n") if not line.startswith("Exported: ")
    ]


def test_the_html_is_simple_markup_of_all_that_was_said(reader: Client, stored: Store) -> None:
    said = "# Plan\n\n1. **One** `x`\n   - two\n\n| A | B |\n|---|---|\n| 1 | 2 |\n\n```js\nx < 1\n```\n\n[on](https://a.example/b)"
    stored(make_completion("chatcmpl-one", say("user", "Hi,\n  there\n\nyou"), say("assistant", said), *WITH_TOOLS[2:]))
    page = pasted(reader)
    customer, answer = elements(page, "blockquote")[:2]
    assert [part.text() for part in elements(customer, "p")] == ["Hi,\xa0\xa0there", "you"]
    assert has(customer, "br")
    for selector in ("h4", "ol > li > strong", "ol ul li", "table[border] td", "pre", 'a[href="https://a.example/b"]'):
        assert has(answer, selector), selector
    assert "js" not in answer.text()
    assert has(page, "blockquote pre")
    assert not attributes(page, "class", "[class]")
    assert not elements(page, "span, div, figure, button, style")
    assert has(page, 'b a[href="http://testserver/completions/chatcmpl-one/messages/chatcmpl-one-0/"]')


HOSTILE = (
    "</blockquote><p><b>#9 Customer</b></p><script>alert(1)</script>\n\n![x](https://spy.example/p.png)"
    "\n\n[press](javascript:alert(1)) <img src=https://spy.example/p.png onerror=alert(1)>"
)


@pytest.mark.parametrize("role", ["user", "assistant", "tool", "system"])
def test_pasted_html_runs_nothing_loads_nothing_and_keeps_a_message_in_its_quote(
    reader: Client, stored: Store, role: str
) -> None:
    stored(make_completion("chatcmpl-one", say(role, HOSTILE, name="<i>x</i>"), choices=[]))
    page = pasted(reader)
    assert not elements(page, "script, img, i i, [onerror], [src], [style]")
    assert {url.split(":")[0] for url in attributes(page, "href", "[href]")} == {"http"}
    assert "#9 Customer" in element(page, "blockquote").text()
    assert not [heading for heading in elements(page, "body > p > b") if "#9" in heading.text()]


def test_a_hidden_character_from_an_entity_is_visible_everywhere_and_the_heading_says_so(
    reader: Client, stored: Store
) -> None:
    stored(make_completion("chatcmpl-one", say("assistant", "invoice_&#x202E;gpj.exe"), choices=[]))
    text, html = flavours(reader)
    assert "invoice_[U+202E]gpj.exe" in text
    assert "invoice_[U+202E]gpj.exe" in html
    assert "== #0 Assistant, hidden characters made visible ==" in text
    assert "```\ninvoice_&#x202E;gpj.exe\n```" in taken(reader, format="markdown")


def test_json_is_not_taken_for_markdown(reader: Client, stored: Store) -> None:
    said = '{"a_b": "**c**", "d_e": [1]}'
    stored(make_completion("chatcmpl-one", say("assistant", said), choices=[]))
    text, html = flavours(reader)
    assert said in text
    assert element(html, "pre").text() == said


def test_sources_are_numbered_and_listed_with_title_and_address(reader: Client, stored: Store) -> None:
    said = "Rain is wet ([a.example](https://a.example/rain?utm_source=openai)). Snow is cold."
    notes = [
        {"type": "url_citation", "url_citation": {"url": url, "title": title, "start_index": start, "end_index": end}}
        for url, title, start, end in [
            ("https://a.example/rain?utm_source=openai", "On rain", 12, 66),
            ("https://b.example/snow", "https://b.example/snow", 69, 81),
        ]
    ]
    stored(make_completion("chatcmpl-one", say("assistant", said, annotations=notes), choices=[]))
    text, html = flavours(reader)
    assert "    Rain is wet [1]. Snow is cold [2].\n" in text
    assert "\n  1. On rain (https://a.example/rain?utm_source=openai)\n  2. https://b.example/snow\n" in text
    assert has(html, 'a[href="https://b.example/snow"]')


@pytest.mark.slow
def test_a_copy_that_breaks_off_says_so(reader: Client, elsewhere: Upstream) -> None:
    text = broken_off(reader, elsewhere, "transcript/?format=clipboard")
    last = json.loads(text.splitlines()[-1])
    assert last["text"].startswith("\n-- INCOMPLETE: stopped after #99.")
    assert "INCOMPLETE" in last["html"]
    assert last["incomplete"].startswith("INCOMPLETE: stopped after #99.")
