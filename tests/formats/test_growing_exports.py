"""Exports that name no conversation keep one id while it grows, made of how it began."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.formats.files import conversation_in, conversations_in

WHEN = "2025-01-01T10:00:{:02}.000Z"


def anything_llm(day: int, count: int) -> Any:
    return {
        "history": [{"role": "user", "content": "Hi", "sentAt": 1735725600 + 86400 * day + n} for n in range(count)]
    }


def cline(day: int, count: int) -> Any:
    asked = f"<task>Hi</task><environment_details># Current Time\n2025-01-0{day} 10:00</environment_details>"
    first = [{"role": "user", "content": [{"type": "text", "text": asked}]}]
    return first + [{"role": "assistant", "content": [{"type": "text", "text": f"{n}"}]} for n in range(1, count)]


def jan(day: int, count: int) -> Any:
    content = [{"type": "text", "text": {"value": "Hi"}}]
    messages = [{"id": f"m{day}{n}", "role": "user", "content": content, "created_at": 1735725600 + n, "metadata": {}}
                for n in range(count)]  # fmt: skip
    return {"title": "x", "exported_at": f"{count}", "messages": messages}


def lobe_chat(day: int, count: int) -> Any:
    names = ["system-role", *(f"msg_{day}{n}" for n in range(count))]
    messages = [{"id": name, "role": "user", "createdAt": WHEN.format(n), "content": "Hi"}
                for n, name in enumerate(names)]  # fmt: skip
    return {"version": "2.0", "title": "x", "exportedAt": f"{count}", "messages": messages}


def messenger(day: int, count: int) -> Any:
    rows = [{"senderName": "Ann", "timestamp": 1735725600000 + 86400000 * day + n, "text": "Hi"} for n in range(count)]
    return {"participants": ["Ann", "Bo"], "threadName": f"Ann_{count}", "messages": rows[::-1]}


def parlant(day: int, count: int) -> Any:
    return [{"id": f"e{day}{n}", "source": "customer", "kind": "message", "offset": n, "creation_utc": WHEN.format(n),
             "data": {"message": "Hi"}} for n in range(count)]  # fmt: skip


def vs_code(day: int, count: int) -> Any:
    requests = [{"requestId": f"request_{day}{n}", "message": {"text": "Hi"}, "response": []} for n in range(count)]
    return {"responderUsername": "GitHub Copilot", "requests": requests}


def zoho(day: int, count: int) -> Any:
    rows = [{"id": f"{day}{n}", "direction": "in", "channel": "EMAIL", "visibility": "public", "content": "Hi",
             "createdTime": WHEN.format(n)} for n in range(count)]  # fmt: skip
    return {"data": rows[::-1]}


@pytest.mark.parametrize("export", [anything_llm, cline, jan, lobe_chat, messenger, parlant, vs_code, zoho])
def test_a_conversation_that_has_grown_has_its_id_and_another_that_begins_alike_has_not(export: Any) -> None:
    before, after = conversation_in(export(1, 2)), conversation_in(export(1, 3))
    assert before.id == after.id != conversation_in(export(2, 2)).id
    assert before.id.startswith(f"{before.family}-")
    assert before.digest != after.digest


def test_lines_of_goose_and_transcripts_of_cursor_keep_their_id_as_well(tmp_path: Path) -> None:
    goose = [{"role": "user", "created": 1735725600 + n, "content": [{"type": "text", "text": "Hi"}]} for n in range(3)]
    cursor = [{"role": "user", "message": {"content": [{"type": "text", "text": "Hi"}]}} for n in range(3)]
    for name, lines in (("20250101.jsonl", goose), ("3f0f8a52-6d1c-4f0e-9b1a-2f0c1d5e7a90.jsonl", cursor)):
        ids = set[str]()
        for count in (2, 3):
            file = tmp_path / name
            file.write_text("\n".join(map(json.dumps, lines[:count])))
            ids.add(conversation_in(file).id)
        (one,) = ids
        assert not one.startswith("chatcmpl-")


def test_numbers_of_twilio_and_whatsapp_make_an_id_however_they_are_written() -> None:
    sms = {"sid": "SM1", "direction": "outbound-api", "from": "My Shop", "to": "+4930123456", "body": "Hi",
           "num_media": "0"}  # fmt: skip
    assert conversation_in(sms).id == "twilio-My-Shop-4930123456"
    message = {"id": "wamid.1", "from": "4930123456", "timestamp": "1735725601", "type": "text", "text": {"body": "Hi"}}
    metadata = {"display_phone_number": "+1 555-078-3881"}
    told = {"messaging_product": "whatsapp", "metadata": metadata, "messages": [message]}
    assert conversation_in(told).id.endswith("15550783881-4930123456")


def test_chats_of_anything_llm_in_workspaces_and_in_web_pages_with_one_number_have_two_ids() -> None:
    row = {"id": 1, "workspace": "Desk", "prompt": "Hi", "response": "Hello", "sent_at": WHEN.format(0)}
    assert conversation_in(row | {"username": "ann", "rating": "--"}).id != conversation_in(row).id


def test_messages_of_lobe_chat_outside_of_topics_are_one_conversation_for_each_session() -> None:
    """Since 2025 they name their agent beside the session, or in its place."""
    rows = [{"sessionId": "s1"}, {"sessionId": "s1", "agentId": "a1"}, {"agentId": "a2"}]
    messages = [{"id": f"m{n}", "role": "user", "content": "Hi", "createdAt": n, **row} for n, row in enumerate(rows)]
    export = {"exportType": "all", "state": {"sessions": [{"id": "s1"}], "messages": messages}}
    assert [conversation.id for conversation in conversations_in(export)] == ["lobe-chat-s1", "lobe-chat-a2"]
