"""Finds the records in a document that only holds them together, such as a page of a list, and names what it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps
from typing import Any

from django.utils.translation import gettext

from viewer.completions.source_text import to_object

from .document import Document
from .drafts import as_text
from .families.message_rows import name_in
from .family import Family, first_object, list_at, object_at, objects_at
from .frames import tables_in
from .message_lists import conversation_of
from .registry import family_of, is_item, is_record
from .unnamed_pairs import as_pair

_MAX_DEPTH = 3  # `{"data": {"payload": [{…}]}}`
_NAMED_KEYS = 6
# These take a request or an answer alone, so that the other of both may be there under a name that they do not know.
_OF_ONE = {"openai", "openai-completion", "pair", "openai-responses", "anthropic", "google", "bedrock", "messages"}


# Messages of these are what any program keeps, in a table with those of its other conversations.
_OF_ANYONE = {"openai", "anthropic", "google", "bedrock", "messages"}


def unwrapped(document: Document) -> Iterator[tuple[Document, Family | None]]:
    """Yield a document with its family; of one that holds several records, or one inside of another, each of them."""
    family = family_of(document.value)
    if family is not None and family.name in _OF_ANYONE and (divided := _by_conversation(document)):
        for conversation in divided:
            yield from unwrapped(conversation)
        return
    if family is None or family.name in _OF_ONE:
        pair = as_pair(document)
        if pair is not None and (of_pair := family_of(pair.value)):
            yield pair, of_pair
            return
    if family is not None and family.name == "messages" and (records := _records_of_others(document)):
        for record in records:
            yield from unwrapped(record)
        return
    for found in (_listed, _tabled, _by_name, _inner, _renamed) if family is None else ():
        if records := found(document):
            for record in records:
                yield from unwrapped(record)
            return
    yield document, family


def _by_conversation(document: Document) -> list[Document]:
    """Return each conversation of a list in which messages name several, with what another list says of it."""
    value, name = document.value, ""
    if isinstance(value, dict):
        name = "messages" if isinstance(value.get("messages"), list) else name_in(value)
        if not name or "choices" in value:
            return []
    held = document.members[name] if name else document
    if not conversation_of(first_object(held.value)):
        return []
    divided = dict[str, list[Document]]()
    for message in held.items():
        divided.setdefault(conversation_of(message.value), []).append(message)
    if len(divided) < 2 or "" in divided:
        return []
    beside = [other for other in value if other != name] if isinstance(value, dict) else []
    about = {as_text(row["id"]): row for other in beside for row in objects_at(value, other) if "id" in row}
    return [_conversation(own, messages, about.get(own, {}), document) for own, messages in divided.items()]


def _conversation(own: str, messages: list[Document], about: dict[str, Any], document: Document) -> Document:
    pairs = [(name, dumps(value, ensure_ascii=False)) for name, value in about.items() if name not in ("id", "history")]
    pairs += [("conversation_id", dumps(own)), ("history", f"[{','.join(message.text for message in messages)}]")]
    return Document(to_object(list(dict(pairs).items())), document.place, document.find)


def _listed(document: Document) -> list[Document]:
    return [record for records in _lists_in(document, _MAX_DEPTH) for record in records.items()]


def _records_of_others(document: Document) -> list[Document]:
    """Return the items of a page, if they look like messages and are records of a tool that has its own marks."""
    first = first_object(object_at(document.value).get("data"))
    family = family_of(first) if first and is_record(first) else None
    return list(document.members["data"].items()) if family is not None and family.name not in _OF_ONE else []


def _tabled(document: Document) -> list[Document]:
    """Return the rows of a document that is a table of records."""
    tables = map(list, tables_in(document))
    return next((rows for rows in tables if is_record(rows[0].value) or as_pair(rows[0])), [])


def _by_name(document: Document, depth: int = _MAX_DEPTH) -> list[Document]:
    """Return the conversations of an object, or of one in it, that has each of them under its name."""
    value = document.value
    if not isinstance(value, dict) or not depth:
        return []
    held = {name: document.members[name] for name, member in value.items() if member}
    if held and all(_are_messages(each.value) or is_record(each.value) for each in held.values()):
        return [_of_name(name, each, is_alone=len(held) == 1) for name, each in held.items()]
    inner = (_by_name(each, depth - 1) for each in held.values() if isinstance(each.value, dict))
    return next(filter(None, inner), [])


def _of_name(name: str, conversation: Document, *, is_alone: bool) -> Document:
    """Give a conversation the name under which it stands, unless that is its place or what it is."""
    if isinstance(conversation.value, list):
        family = family_of(conversation.value)
        key = "history" if family is None or family.name == "messages" else "messages"
        is_id = not is_alone or not name.replace("_", "").isalpha()
        named = _named(name if is_id else "", f'"{key}":{conversation.text}', conversation)
        return named if key == "history" or family_of(named.value) is family else conversation
    if is_alone or name.isdigit():
        return conversation
    return _named(name, conversation.text.strip()[1:-1], conversation)


def _named(name: str, members: str, document: Document) -> Document:
    """Return an object with these members, and its name, unless it says its own."""
    is_named = not name or document.at("conversation_id") or document.at("id")
    key = "" if is_named else f'"conversation_id":{dumps(name)}'
    return Document("{" + ",".join(filter(None, (key, members))) + "}", document.place, document.find)


def _inner(document: Document) -> list[Document]:
    """Return the one record in an object of a log, with the fields that the log has beside it."""
    members = document.members
    names = [name for name, member in members.items() if isinstance(member.value, dict) and is_record(member.value)]
    if len(names) != 1:
        return []
    record = members[names[0]]
    beside = {name: member.text for name, member in members.items() if name != names[0]}
    whole = beside | {name: member.text for name, member in record.members.items()}
    both = Document(to_object(list(whole.items())), document.place, document.find)
    return [both if family_of(both.value) is family_of(record.value) else record]


def is_known(document: Document) -> bool:
    """Whether there are conversations or messages in a document."""
    return any(family is not None for _each, family in unwrapped(document))


def _lists_in(document: Document, depth: int) -> Iterator[Document]:
    """Yield the lists in a document of which the first item is a record."""
    value = document.value
    if isinstance(value, list):
        yield from [document] if value and is_record(value[0]) else []
    elif isinstance(value, dict) and depth:
        for name, member in value.items():
            if isinstance(member, (dict, list)) and member:
                yield from _lists_in(document.members[name], depth - 1)


def _renamed(document: Document) -> list[Document]:
    """Return an object whose only list of messages has a name that nobody knows, with the list under `messages`."""
    held = [name for name, member in document.members.items() if _are_messages(member.value)]
    if len(held) != 1:
        return []
    pairs = [("messages" if name in held else name, member.text) for name, member in document.members.items()]
    return [Document(to_object(pairs), document.place, document.find)]


def _are_messages(value: Any) -> bool:
    """Whether a value is a list of messages: of things that would be messages also on lines of their own."""
    return isinstance(value, list) and bool(value) and is_item(value[0]) and family_of(value[0]) is not None


def what_it_looks_like(value: Any) -> str:
    """Say what a document is in which no conversation was found, and what to do."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value) and value:
        return gettext("This is a list of texts: it does not say who said what in a way that a program can read.")
    if isinstance(value, list):
        return gettext("This is a list in which no conversation was found that can be read. %s") % _advice()
    if not isinstance(value, dict):
        return gettext("not a JSON object: it is only %s") % _name_of(value)
    if not value:
        return gettext("This is an empty object.")
    if list_at(value, "log", "entries"):
        return gettext("This is a HAR file, what a browser has recorded of its requests: export the data as JSON.")
    names = [f"“{name}”" for name in value][:_NAMED_KEYS]
    named = ", ".join(names) + ("…" if len(value) > len(names) else "")
    return gettext("No conversation was found in a record with %(names)s. %(advice)s") % {
        "names": named,
        "advice": _advice(),
    }


def _advice() -> str:
    return gettext("The page Import and docs/importing.md list what can be read.")


def _name_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return gettext("true or false")
    return gettext("a text") if isinstance(value, str) else gettext("a number")
