"""Chat completions and their requests as OpenAI writes them: stored completions and the fine-tuning format."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.completions.ids import is_usable_id
from viewer.completions.origin import KEY
from viewer.completions.reading import read_time
from viewer.completions.source_text import STRICT, Piece, members_with_list
from viewer.formats.answers import may_answer
from viewer.formats.columns import CONVERSATIONS
from viewer.formats.document import NOWHERE, Conversation, Document, NotReadable, Place, not_json
from viewer.formats.family import Family
from viewer.formats.message_lists import conversation_of
from viewer.formats.pairs import ANSWERS
from viewer.formats.stored import NULL, choice_of, digest_of_line, id_of_digest, list_of, piece_of, with_all_keys

_MAX_MESSAGES = 200_000  # per conversation
_UNUSABLE_ID = "the completion has no usable id (1 to 255 characters, no blanks, none of / \\ ? # %)"
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_TIMES = ("created_at", "createdAt", "timestamp", "date", "time", "ts", "start_time", "updated_at")
_PARTS = ("text", "image_url", "input_audio", "file", "refusal")
# Where other tools put the answer beside the messages. A line that has one of these is not read without it.
_UNREAD = (*ANSWERS, "chosen", "rejected", "preferred_output", "non_preferred_output")
# What LobeChat and TypingMind have beside such messages, which have times and tools under names of their own, AG-UI and
# Jan beside an id or a title that is read elsewhere, and T3 Chat beside those of all its threads.
_OF_OTHERS = (
    {"version", "exportedAt"}, {"chatID", "chatTitle"}, {"threadId", "runId"}, {"title", "exported_at"}, {"threads"},
)  # fmt: skip
_NAMING = frozenset(CONVERSATIONS)
# What a message of another tool has in place of its content.
_OTHER_CONTENT = {
    "parts",
    "tool_responses",
    "items",
    "blocks",
    "kwargs",
    "data",
    "kind",
    "content_type",
    "contents",
    "message_type",
    "additional_kwargs",
    "from_history",
    "thread_id",
    "assistant_id",
}


# A message without any of the first, and with more than the second, has what it says under another tool's name.
_SAYS_SOMETHING = {"content", "tool_calls", "function_call", "refusal", "audio", "reasoning", "reasoning_content"}
_SAYS_NOTHING = {"role", "name", "id", "created_at", "weight", KEY}


class _Shape:
    """Notes, while a list of messages is taken apart, whether all of them are OpenAI's, and whether any has a role."""

    def __init__(self) -> None:
        self.is_plain, self.has_role, self.is_said = True, False, False
        self._count = 0
        self._conversations = set[str]()

    def note(self, item: Piece) -> str:
        """Return the JSON alone, because the decoded messages would take fifty times as much; empty if no object."""
        self._count += 1
        if not isinstance(item.value, dict):
            self.is_plain = False
            return ""
        if not _NAMING.isdisjoint(item.value):
            self._conversations.add(conversation_of(item.value))
        self.is_plain = self.is_plain and len(self._conversations) < 2 and is_chat_message(item.value)
        self.has_role = self.has_role or isinstance(item.value.get("role"), str)
        self.is_said = self.is_said or item.value.keys() <= _SAYS_NOTHING or bool(_SAYS_SOMETHING & item.value.keys())
        return item.source


def is_chat_message(value: Any) -> bool:
    """Whether an object is a message as OpenAI writes it, with nothing in it that another tool has put there."""
    if not isinstance(value.get("role"), str) or value["role"] not in _ROLES or not _OTHER_CONTENT.isdisjoint(value):
        return False
    if "stop_reason" in value:  # an answer of Anthropic's API
        return False
    content = value.get("content")
    if content is None and not _SAYS_SOMETHING.intersection(value) and not value.keys() <= _SAYS_NOTHING:
        return False
    if isinstance(content, list):
        return all(
            isinstance(part, str) or (isinstance(part, dict) and str(part.get("type")) in _PARTS) for part in content
        )
    return content is None or isinstance(content, str)


def unused_answer(fields: Iterable[str], values: dict[str, Any]) -> str:
    """Name the field beside the messages that has an answer which nobody reads; empty if there is none."""
    if "choices" in fields:
        return ""
    return next((name for name in _UNREAD if values.get(name) not in (None, "", [], {})), "")


def read_plain(document: Document) -> Conversation | None:
    """Read a document if it has nothing but OpenAI's messages; None if it may be of another family. Raises NotReadable.

    Its messages are not held decoded all together.
    """
    shape = _Shape()
    pairs, messages = _take_apart(document.text, shape)
    values = {name: piece.value for name, piece in pairs}
    has_answer = "choices" not in values and not values.keys().isdisjoint(_UNREAD)
    has_answer = has_answer or any(map(may_answer, values.values()))
    if not messages or not shape.is_plain or has_answer or values.get("system"):
        return None  # Anthropic's requests have the system prompt beside the messages
    if any(values.keys() >= names for names in _OF_OTHERS):
        return None
    return _read(pairs, messages, document)


def read_any(document: Document) -> Iterable[Conversation]:
    """Read a document with messages of which not all are understood. Raises NotReadable if none has a role."""
    shape = _Shape()
    pairs, messages = _take_apart(document.text, shape)
    if not messages and not _has_more(dict(pairs)):
        raise NotReadable(gettext("This conversation is empty: nothing was said in it."))
    if messages and not shape.has_role:
        raise NotReadable(gettext("Its messages do not say who speaks: none has a role."))
    if messages and not shape.is_said:
        raise NotReadable(gettext("Its messages say who speaks, but not what in a way that is known here."))
    if name := unused_answer(dict(pairs), {n: piece.value for n, piece in pairs}):
        raise NotReadable(
            gettext("It has an answer under “%s” beside the messages that cannot be read, so none of it was taken.")
            % name
        )
    yield _read(pairs, messages or [], document)


def _has_more(fields: dict[str, Piece]) -> bool:
    """Whether a conversation without messages shows something else, as a completion that failed does."""
    return "choices" in fields or (fields.get("error", NULL).value is not None)


def read_line(text: str, place: Place = NOWHERE) -> Conversation:
    """Read one line as a server or Lectern wrote it, whatever its messages are. Raises NotReadable."""
    pairs, messages = _take_apart(text, _Shape())
    return _read(pairs, messages, Document(text, place))


def _take_apart(text: str, shape: _Shape) -> tuple[list[tuple[str, Piece]], list[str] | None]:
    try:
        return members_with_list(text, "messages", shape.note, STRICT)
    except json.JSONDecodeError as error:
        raise NotReadable(not_json(error)) from None
    except RecursionError:
        raise NotReadable("nested too deeply") from None
    except ValueError as error:
        raise NotReadable(str(error)) from None


def _read(pairs: list[tuple[str, Piece]], messages: list[str] | None, document: Document) -> Conversation:
    fields = dict(pairs)
    if "incomplete" in fields:
        raise NotReadable(f"the export broke off here: {fields['incomplete'].value}")
    if messages is None:
        raise NotReadable("no list named messages")
    if len(messages) > _MAX_MESSAGES:
        raise NotReadable(f"more than {_MAX_MESSAGES:,} messages in one conversation")
    for position, message in enumerate(messages):
        if not message:
            raise NotReadable(f"message {position} is not an object")
    digest = digest_of_line(document.text)
    return Conversation(FAMILY.name, _id_in(fields), _with_answer(pairs, messages), messages, digest, document.place)


def _id_in(fields: dict[str, Piece]) -> str:
    """Return the id; empty if there is none. A number, as a database has it, is one too. Raises NotReadable."""
    given = fields["id"].value if "id" in fields else None
    if given is None or given == "":
        return ""
    text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    if not is_usable_id(text):
        raise NotReadable(_UNUSABLE_ID)
    return str(text)


def _with_answer(pairs: list[tuple[str, Piece]], messages: list[str]) -> list[tuple[str, Piece]]:
    """Return the fields of the completion. Without choices the last message, if it is the assistant's, is the answer.

    That is how the fine-tuning format means it. It is taken out of `messages`.
    """
    fields = dict(pairs)
    if "choices" in fields and _id_in(fields) == fields.get("id", NULL).value:
        return pairs
    digest = _digest_of_values(pairs, messages)
    completion_id = _id_in(fields)
    is_answered = bool(messages) and STRICT.decode(messages[-1]).get("role") == "assistant"
    if "choices" not in fields and (is_answered or not completion_id):
        fields["choices"] = list_of([choice_of(messages.pop())] if is_answered else [])
    dated = next((name for name in _TIMES if name in fields and read_time(fields[name].value)), "")
    if "created" not in fields and dated:
        fields["created"] = fields.pop(dated)
    if completion_id:
        return list((fields | {"id": piece_of(completion_id)}).items())
    fields |= {
        "object": piece_of("chat.completion"),
        "id": piece_of(id_of_digest(digest)),
        "metadata": fields.get("metadata") or piece_of({}),
    }
    if "created" not in fields:
        fields |= {"created": piece_of(int(time.time())), KEY: piece_of({"undated": True})}
    return with_all_keys(fields)


def _digest_of_values(pairs: list[tuple[str, Piece]], messages: list[str]) -> str:
    """Hash the values of a line, with sorted keys, message by message."""
    digest = hashlib.sha256()
    values = {name: piece.value for name, piece in pairs} | {"messages": None}
    for n, name in enumerate(sorted(values)):
        digest.update(f"{', ' if n else '{'}{json.dumps(name)}: ".encode())
        if name != "messages":
            digest.update(json.dumps(values[name], sort_keys=True).encode())
            continue
        for position, message in enumerate(messages):
            text = json.dumps(STRICT.decode(message), sort_keys=True)
            digest.update(f"{', ' if position else '['}{text}".encode())
        digest.update(b"]" if messages else b"[]")
    digest.update(b"}")
    return digest.hexdigest()


FAMILY = Family(
    name="openai",
    title="OpenAI",
    what=gettext_lazy("A file of OpenAI chat completions"),
    seen="openai 1.30.1, 1.109.1 and 3.57.0",
    keeps="everything, as it was written",
    loses="nothing; the fine-tuning format has neither times nor the reason why an answer ended",
    matches=lambda value: isinstance(value, dict) and isinstance(value.get("messages"), list),
    read=read_any,
)
