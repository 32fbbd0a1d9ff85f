"""Exports that overlap, such as those of two weeks: what stands in both is one message, as the later one has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.formats.files import conversation_in, messages_of
from viewer.completions.types import text_of

WHEN = "2025-01-01T10:00:0{}.000Z"


def dify(number: int, text: str) -> dict[str, Any]:
    return {"id": f"m{number}", "conversation_id": "c1", "query": text, "answer": "", "agent_thoughts": [],
            "created_at": 1735725600 + number}  # fmt: skip


def flowise(number: int, text: str) -> dict[str, Any]:
    return {"id": f"m{number}", "role": "userMessage", "chatId": "c1", "chatflowid": "f1", "content": text,
            "createdDate": WHEN.format(number)}  # fmt: skip


def gorgias(number: int, text: str) -> dict[str, Any]:
    return {"id": number, "ticket_id": 7, "from_agent": False, "public": True, "body_text": text,
            "created_datetime": WHEN.format(number)}  # fmt: skip


def of_service_management(number: int, text: str) -> dict[str, Any]:
    return {"id": f"{number}", "body": text, "public": True, "author": {"accountId": "qm:1"},
            "created": {"iso8601": WHEN.format(number)},
            "_links": {"self": "https://desk.example/rest/servicedeskapi/request/7/comment/1"}}  # fmt: skip


def kustomer(number: int, text: str) -> dict[str, Any]:
    return {"id": f"m{number}", "type": "message", "relationships": {"conversation": {"data": {"id": "c1"}}},
            "attributes": {"direction": "in", "body": text, "sentAt": WHEN.format(number)}}  # fmt: skip


def salesforce(number: int, text: str) -> dict[str, Any]:
    return {"Id": f"02sWt00000ABCD{number}", "ParentId": "500Wt00000DDPM6IAP", "Incoming": True, "TextBody": text,
            "MessageDate": WHEN.format(number)}  # fmt: skip


def twilio(number: int, text: str) -> dict[str, Any]:
    return {"sid": f"SM{number}", "direction": "inbound", "from": "+4930123456", "to": "+4930654321", "body": text,
            "num_media": "0", "date_sent": f"Wed, 01 Jan 2025 10:00:0{number} +0000"}  # fmt: skip


def whatsapp(number: int, text: str) -> dict[str, Any]:
    message = {"id": f"wamid.{number}", "from": "4930123456", "timestamp": f"173572560{number}", "type": "text",
               "text": {"body": text}}  # fmt: skip
    return {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "1"}, "messages": [message]}


def zammad(number: int, text: str) -> dict[str, Any]:
    return {"id": number, "ticket_id": 7, "internal": False, "body": text, "content_type": "text/plain",
            "sender": "Customer", "created_at": WHEN.format(number)}  # fmt: skip


@pytest.mark.parametrize(
    "record", [dify, flowise, gorgias, of_service_management, kustomer, salesforce, twilio, whatsapp, zammad]
)
def test_what_stands_in_two_exports_is_one_message_as_the_later_one_has_it(record: Any, tmp_path: Path) -> None:
    """A message may have been edited, or have got a rating, meanwhile."""
    (tmp_path / "1.json").write_text(json.dumps([record(1, "Torn"), record(2, "Twice")]))
    (tmp_path / "2.json").write_text(json.dumps([record(2, "Thrice"), record(3, "Hello?")]))
    messages = [message for message in messages_of(conversation_in(tmp_path)) if message.role == "user"]
    assert [text_of(message) for message in messages] == ["Torn", "Thrice", "Hello?"]


def test_a_case_of_salesforce_that_stands_in_two_exports_is_read_as_the_later_one_has_it(tmp_path: Path) -> None:
    for week, status in enumerate(("New", "Closed")):
        case = {"Id": "500Wt00000DDPM6IAP", "CaseNumber": "1026", "Subject": "Order A17", "Status": status}
        (tmp_path / f"{week}.json").write_text(json.dumps([case, salesforce(1, "Torn")]))
    (message,) = messages_of(conversation := conversation_in(tmp_path))
    assert text_of(message) == "Torn"
    assert (dict(conversation.fields)["metadata"].value or {})["status"] == "Closed"
