"""Finds who speaks, what is said and when in a row, whatever its columns are called and however they are spelled."""

from __future__ import annotations

import re
from typing import Any

ROLES = {
    **dict.fromkeys(
        ("user", "human", "customer", "client", "visitor", "guest", "contact", "lead", "consumer", "shopper", "enduser",
         "requester", "inbound", "incoming"),
        "user",
    ),
    **dict.fromkeys(
        ("assistant", "ai", "bot", "chatbot", "virtualagent", "agent", "operator", "admin", "support", "representative",
         "outbound", "outgoing"),
        "assistant",
    ),
    "system": "system",
}  # fmt: skip
CONVERSATIONS = (
    "conversation_id", "conversationId", "conversation", "session_id", "sessionId", "session", "thread_id", "threadId",
    "chat_id", "chatId", "dialogue_id", "dialog_id", "ticket_id", "case_id",
)  # fmt: skip
_NAMES = {
    "role": (
        "role", "authorrole", "senderrole", "participantrole", "authortype", "sendertype", "actortype",
        "participanttype", "speaker", "author", "sender", "from", "participant", "direction",
    ),
    "content": (
        "content", "text", "message", "body", "messagecontent", "messagetext", "messagebody", "utterance", "msg",
    ),
    "created_at": (
        "createdat", "created", "timestamp", "datetime", "time", "date", "sentat", "messagetime", "entrytime",
        "createddate",
    ),
    "conversation_id": (
        "conversationid", "conversation", "sessionid", "session", "threadid", "thread", "chatid", "chatname",
        "dialogueid", "dialogid", "ticketid", "caseid",
    ),
    "name": ("name", "authorname", "sendername", "agentname", "displayname", "actorname"),
}  # fmt: skip


def plain(text: str) -> str:
    """Return letters and digits alone, without capitals: “Message Text”, `message_text` and `messageText` are one."""
    return re.sub(r"[\W_]+", "", text).casefold()


def told(row: dict[str, Any]) -> dict[str, Any] | None:
    """Return a row under the names that messages have; None unless somebody says something in it.

    The role is as it is in the row.
    """
    spelled = {plain(name): name for name in reversed(row)}
    found = {ours: next((spelled[name] for name in names if name in spelled), "") for ours, names in _NAMES.items()}
    if not (isinstance(row.get(found["role"]), str) and isinstance(row.get(found["content"]), str)):
        return None
    rest = {name: value for name, value in row.items() if name not in found.values() and value not in ("", None)}
    return {ours: row[name] for ours, name in found.items() if name and row[name] not in ("", None)} | {"rest": rest}
