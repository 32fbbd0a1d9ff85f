"""Exports of chat applications that people use beside a desk."""

from __future__ import annotations

import json
from typing import Any

from tests.formats.files import completion_of, conversation_in, messages_of, refusals_in, remarks_on
from viewer.completions.types import Message, text_of


def said(messages: list[Message]) -> list[tuple[str, str]]:
    return [(message.role, text_of(message)) for message in messages]


ASKED = [("user", "Torn"), ("assistant", "Sorry")]


def test_in_deepseek_fragments_say_who_speaks_and_before_them_the_place_in_the_tree() -> None:
    def export(*messages: dict[str, Any]) -> list[dict[str, Any]]:
        nodes = {str(n): {"id": str(n), "parent": str(n - 1) if n else None, "children": [], "message": message}
                 for n, message in enumerate([None, *messages])}  # fmt: skip
        return [{"id": "4f0c1c7a-1111-4222-8333-abcdefabcdef", "title": "Bag", "inserted_at": "2025-01-01T10:00:00Z",
                 "mapping": nodes}]  # fmt: skip

    new = export(
        {"fragments": [{"type": "REQUEST", "content": "Torn"}]},
        {"model": "r1", "fragments": [{"type": "SEARCH", "results": [{"url": "https://a.example"}]},
                                      {"type": "THINK", "content": "Hm"}, {"type": "RESPONSE", "content": "Sorry"}]},
    )  # fmt: skip
    old = export({"content": "Torn"}, {"model": "r1", "content": "Sorry", "reasoning_content": "Hm",
                                       "search_results": [{"url": "https://a.example"}]})  # fmt: skip
    for source in (new, old):
        conversation = conversation_in(source)
        messages = messages_of(conversation)
        assert said(messages) == ASKED
        assert [messages[1].reasoning[0].text, messages[1].citations[0].url] == ["Hm", "https://a.example"]
        assert completion_of(conversation).model == "r1"
    assert "account" in remarks_on([{"user_id": "u", "email": "a@example.org", "mobile": None}])[0]


def test_in_grok_whoever_is_not_the_human_answers_and_other_answers_are_choices() -> None:
    def response(own: str, sender: str, text: str, before: str | None) -> dict[str, Any]:
        return {"response": {"_id": own, "sender": sender, "message": text, "parent_response_id": before, "model": "g",
                             "create_time": {"$date": {"$numberLong": "1743501600000"}}, "thinking_trace": ""}}  # fmt: skip

    export = {"conversations": [{"conversation": {"id": "c" * 36, "title": "Bag", "leaf_response_id": "r2"}, "responses": [
        response("r1", "human", "Torn", None), response("r2", "ASSISTANT", "Sorry", "r1"),
        response("r3", "grok-3", "Oh", "r1")]}], "projects": []}  # fmt: skip
    messages = messages_of(conversation_in(export))
    assert said(messages) == [*ASKED, ("assistant", "Oh")]
    assert messages[0].created is not None
    assert messages[0].created.year == 2025


def test_a_chat_of_silly_tavern_has_a_line_for_itself() -> None:
    chat = [{"user_name": "Ann", "character_name": "Shop", "chat_metadata": {}},
            {"name": "Ann", "is_user": True, "mes": "Torn", "send_date": "January 2, 2025 10:01am"},
            {"name": "Shop", "is_user": False, "mes": "Sorry", "swipes": ["Oh", "Sorry"], "extra": {"model": "m"}}]  # fmt: skip
    messages = messages_of(conversation_in("\n".join(map(json.dumps, chat)).encode()))
    assert said(messages) == ASKED
    assert messages[0].created is not None
    assert [note.code for note in messages[1].origin.notes] == ["other-branches"]


def test_of_lm_studio_the_version_that_is_shown_is_read_and_the_others_are_said() -> None:
    step = {"type": "contentBlock", "content": [{"type": "text", "text": "Sorry"}], "genInfo": {"identifier": "m"}}
    thought = {"type": "contentBlock", "content": [{"type": "text", "text": "Hm"}], "style": {"type": "thinking"}}
    asked = {"type": "singleStep", "role": "user", "content": [{"type": "text", "text": "Torn"}]}
    answers = [{"type": "multiStep", "role": "assistant", "steps": steps} for steps in ([], [thought, step])]
    chat = {"name": "Bag", "createdAt": 1723456789000, "messages": [
        {"versions": [asked], "currentlySelected": 0}, {"versions": answers, "currentlySelected": 1}]}  # fmt: skip
    conversation = conversation_in(chat)
    messages = messages_of(conversation)
    assert said(messages) == ASKED
    assert messages[1].reasoning[0].text == "Hm"
    assert [note.code for note in messages[1].origin.notes] == ["other-branches"]
    assert completion_of(conversation).model == "m"


def test_le_chat_names_the_chat_in_each_message() -> None:
    chat = [{"id": str(n), "chatId": "0b1e2d3c-aaaa-4bbb-8ccc-111111111111", "role": role, "content": text,
             "createdAt": f"2025-01-01T10:00:0{n}Z"} for n, (role, text) in enumerate(ASKED)]  # fmt: skip
    conversation = conversation_in(chat)
    assert conversation.id == "0b1e2d3c-aaaa-4bbb-8ccc-111111111111"
    assert said(messages_of(conversation)) == ASKED


def test_activity_in_gemini_is_read_where_it_has_what_was_asked() -> None:
    activity = {"header": "Gemini Apps", "products": ["Gemini Apps"], "time": "2025-01-01T10:00:00Z"}
    asked = activity | {"title": "Prompted Torn", "safeHtmlItem": [{"html": "<p>Sorry</p>"}]}
    assert said(messages_of(conversation_in([asked, activity | {"title": "Used Gemini"}]))) == ASKED


def test_messages_without_what_they_say_are_refused_and_other_names_of_texts_are_read() -> None:
    told = {"messages": [{"id": "a", "role": role, "text": text, "sender": "x"} for role, text in ASKED]}
    assert said(messages_of(conversation_in(told))) == ASKED
    fragments = {"messages": [{"id": "a", "role": "user", "fragments": [{"part": {"text": "Torn"}}]}]}
    assert "not what" in refusals_in(fragments)[0]
