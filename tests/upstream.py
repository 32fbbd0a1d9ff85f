"""A fake upstream of the stored chat completions API, in its own process, that misbehaves on demand.

    python tests/upstream.py [--port 0]      # prints http://127.0.0.1:PORT, then serves until it is stopped

The first segment of the path is the mode: with the base URL `http://127.0.0.1:PORT/slow-2.5/v1` every answer takes 2.5
seconds. A number behind a mode is its measure (seconds, megabytes, times); `~word` at the end changes nothing but the
path, so that modes that count what they were asked (`flaky~one`, `flaky~two`) start anew. `MODES` lists them all.

Keys: `sk-good…` and `600d…` open everything, `sk-other…` is a key of another project (404), any other is refused (401).
"""

from __future__ import annotations

import argparse
import base64
import copy
import gzip
import http.client
import itertools
import json
import os
import random
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from functools import lru_cache, partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

Json = dict[str, Any]
Headers = tuple[tuple[str, str], ...]

MEGABYTE = 1_000_000
DRIP_SECONDS = 0.2


# --- The data: the same in every run --------------------------------------------------------------------------------

NEWEST = 1_762_000_000
MODELS = ("gpt-4.1-2025-04-14", "gpt-4o-mini-2024-07-18")
TEAMS = ("billing", "returns", "shipping")


def make_completion(completion_id: str, place: int) -> Json:
    """A stored completion with the 19 keys OpenAI sends, in its order; `place` counts from the newest, 1."""
    seed = 2**53 + 1 + place * 200_000_000_000_000_003
    return {
        "object": "chat.completion",
        "id": completion_id,
        "model": MODELS[place % 2],
        "created": NEWEST - 60 * place,
        "request_id": f"req_{place:032x}",
        "tool_choice": None,
        "usage": {"total_tokens": 30 + place, "completion_tokens": 10, "prompt_tokens": 20 + place},
        "seed": seed if place % 2 else -seed,
        "top_p": 1.0,
        "temperature": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "system_fingerprint": f"fp_{place:010x}",
        "input_user": None,
        "service_tier": "default",
        "tools": None,
        "metadata": {"team": TEAMS[place % 3], "case": f"{place:04}"},
        "choices": [make_choice(f"Answer of {completion_id}: your parcel is on its way – thank you 📦.")],
        "response_format": None,
    }


def make_choice(content: str) -> Json:
    message = {"content": content, "role": "assistant", "tool_calls": None, "function_call": None}
    return {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}


def make_messages(completion_id: str, count: int) -> list[Json]:
    """An input of `count` messages that ends with the user's; an even number begins with a system message."""
    roles = ["assistant" if (count - n) % 2 == 0 else "user" for n in range(count)]
    if roles[0] == "assistant":
        roles[0] = "system"
    return [
        make_message(f"{completion_id}-{n}", role, f"Message {n} of {count} in {completion_id}: grüße 👋.")
        for n, role in enumerate(roles)
    ]


def make_message(message_id: str, role: str, content: str, parts: list[Json] | None = None) -> Json:
    return {"id": message_id, "role": role, "content": content, "content_parts": parts, "name": None}


def make_image_messages(completion_id: str) -> list[Json]:
    """Texts with pictures; `content` holds the joined texts besides, in which a picture counts as an empty one."""
    small, large = png(64, 48, noise=False), png(120, 90, noise=True)
    return [
        make_message(f"{completion_id}-0", "user", "Whose logo is this?:  ", [text("Whose logo is this?: "), small]),
        make_message(f"{completion_id}-1", "assistant", "A green one."),
        make_message(f"{completion_id}-2", "user", "  And this?", [large, text(""), text("And this?")]),
    ]


def text(words: str) -> Json:
    return {"type": "text", "text": words, "image_url": None, "input_audio": None, "file": None}


def png(width: int, height: int, *, noise: bool) -> Json:
    """An image part with a PNG as data URL: a green area, or noise (some 40 kB) that does not compress."""
    pixels = random.Random(7).randbytes(width * height * 3) if noise else b"\x10\xa0\x50" * (width * height)
    rows = b"".join(b"\0" + pixels[start : start + width * 3] for start in range(0, len(pixels), width * 3))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk)) + name + chunk + struct.pack(">I", zlib.crc32(name + chunk))
        for name, chunk in chunks
    )
    url = "data:image/png;base64," + base64.b64encode(data).decode()
    image_url = {"url": url, "detail": None}
    return {"type": "image_url", "text": None, "image_url": image_url, "input_audio": None, "file": None}


def make_hex_messages(completion_id: str, count: int) -> list[Json]:
    """Messages whose ids tell nothing about their place."""
    return [
        {**message, "id": f"msg_{n * 7919 % 1_000_003 * 2_654_435_761:016x}"}
        for n, message in enumerate(make_messages(completion_id, count))
    ]


LIVE = [f"chatcmpl-live-{n:04}" for n in range(1, 31)]
IMAGE, HEX, LONG = "chatcmpl-live-image", "chatcmpl-live-hex", "chatcmpl-live-long"

COMPLETIONS = {name: make_completion(name, place) for place, name in enumerate([*LIVE, IMAGE, HEX, LONG], start=1)}
"""Every completion by its id, newest first."""

MESSAGES = {
    **{name: make_messages(name, count) for count, name in enumerate(LIVE, start=1)},
    IMAGE: make_image_messages(IMAGE),
    HEX: make_hex_messages(HEX, 300),
    LONG: make_messages(LONG, 10_000),
}
"""The input messages of every completion, oldest first: number 0001 has one, number 0030 has thirty."""


# --- Responses and conversations: the other API ----------------------------------------------------------------------


def make_response(response_id: str, output: list[Json], **fields: Any) -> Json:
    """A response with the keys that OpenAI sends, in its order."""
    return {
        "id": response_id,
        "object": "response",
        "created_at": NEWEST,
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": MODELS[1],
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {"input_tokens": 18, "output_tokens": 17, "total_tokens": 35},
        "user": None,
        "metadata": {"team": "returns"},
        **fields,
    }


def make_item(item_id: str, role: str, words: str, **part: Any) -> Json:
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": words, **({"annotations": []} if role == "assistant" else {})}]
    content += [part] if part else []
    return {"id": item_id, "type": "message", "status": "completed", "content": content, "role": role}


def make_items(name: str, count: int) -> list[Json]:
    roles = ("user", "assistant")
    return [make_item(f"msg_{name}{n:04x}", roles[n % 2], f"Item {n} of {count} in {name}") for n in range(count)]


ASKED, FOLLOWING, WORKING, CONVERSATION = "resp_asked", "resp_following", "resp_working", "conv_long"
PICTURE = png(64, 48, noise=False)["image_url"]["url"]

_ANSWER = make_item("msg_answer", "assistant", "Your parcel is on its way.")
_CALL = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "find", "arguments": '{"order": "A17"}'}
_THOUGHT = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "I look it up."}]}

RESPONSES = {
    ASKED: make_response(ASKED, [_ANSWER], instructions="Be brief."),
    FOLLOWING: make_response(
        FOLLOWING, [_THOUGHT, {**_CALL, "status": "completed"}], instructions="Be kind.", previous_response_id=ASKED
    ),
    WORKING: make_response(WORKING, [], background=True, status="in_progress", usage=None),
}
INPUT_ITEMS = {
    ASKED: [
        make_item("msg_question", "user", "Where is it?", type="input_image", image_url=PICTURE, detail="auto"),
    ],
    FOLLOWING: make_items("following", 45),
    WORKING: [make_item("msg_patience", "user", "Write a long report.")],
}
CONVERSATIONS = {
    CONVERSATION: {"id": CONVERSATION, "object": "conversation", "created_at": NEWEST, "metadata": {"team": "returns"}}
}
CONVERSATION_ITEMS = {CONVERSATION: make_items("conversation", 250)}


# --- What is remembered between requests ----------------------------------------------------------------------------


@dataclass
class State:
    """What was asked, how often, how much at a time, and what the tests have set."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    asked: list[Json] = field(default_factory=list)
    times: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    most_busy: int = 0
    settings: Json = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def enter(self, entry: Json) -> None:
        """Note a request that has arrived whole."""
        with self.lock:
            self.asked.append(entry)
            self.times[entry["path"]] += 1
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)

    def leave(self) -> None:
        with self.lock:
            self.busy -= 1

    def forget(self) -> None:
        """Start anew: nothing was asked, nothing is set."""
        with self.lock:
            self.asked.clear()
            self.times.clear()
            self.settings.clear()
            self.most_busy = self.busy

    def times_asked(self, path: str) -> int:
        with self.lock:
            return self.times[path]


STATE = State()


# --- Questions and answers ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """One request: where it went, in which mode, about what."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    mode: str
    measure: float | None
    kind: str
    completion_id: str

    def times(self) -> int:
        """Say how often this path was asked, this time included."""
        return STATE.times_asked(self.path)

    def number(self, otherwise: float) -> float:
        return otherwise if self.measure is None else self.measure


@dataclass(frozen=True)
class Answer:
    """What is to be sent, and the way it is sent."""

    status: int
    body: bytes
    headers: Headers
    deliver: Callable[[Handler, Answer], None]

    def head(self, *more: tuple[str, str]) -> bytes:
        phrase = HTTPStatus(self.status).phrase if self.status in set(HTTPStatus) else "Odd"
        lines = [f"HTTP/1.1 {self.status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in (*self.headers, *more)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def including(self, *more: tuple[str, str]) -> Answer:
        return replace(self, headers=self.headers + more)

    def typed(self, content_type: str) -> Answer:
        others = tuple((name, value) for name, value in self.headers if name != "content-type")
        return replace(self, headers=(("content-type", content_type), *others))


class Refusal(Exception):
    """The API says no, with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def compact(payload: Json) -> bytes:
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def edge_headers(content_type: str) -> Headers:
    """The headers that stand on every answer that passed Cloudflare."""
    return (
        ("date", formatdate(usegmt=True)),
        ("content-type", content_type),
        ("server", "cloudflare"),
        ("cf-ray", f"{next(STATE.numbers):016x}-FRA"),
        ("set-cookie", "__cf_bm=upstream-cookie; path=/; HttpOnly; Secure; SameSite=None"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
        ("x-content-type-options", "nosniff"),
    )


def request_id() -> tuple[str, str]:
    return ("x-request-id", f"req_{next(STATE.numbers):032x}")


def openai(status: int, body: bytes) -> Answer:
    """Answer as OpenAI's servers do."""
    headers = (
        *edge_headers("application/json"),
        request_id(),
        ("openai-organization", "lectern-tests"),
        ("openai-project", "proj_lectern"),
        ("openai-processing-ms", "21"),
        ("openai-version", "2020-10-01"),
    )
    return Answer(status, body, headers, whole)


def plain(status: int, body: bytes, content_type: str = "application/json") -> Answer:
    """Answer as any other server does."""
    return Answer(status, body, (("date", formatdate(usegmt=True)), ("content-type", content_type)), whole)


def error(status: int, message: str, kind: str, code: str | None, param: str | None = None) -> Answer:
    """An error in OpenAI's envelope, indented by two blanks as its servers do."""
    envelope = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return openai(status, json.dumps(envelope, indent=2).encode())


def not_found(completion_id: str) -> Answer:
    message = f"Completion {completion_id} not found" if completion_id else "Project not found"
    return error(404, message, "invalid_request_error", "not_found", "completion_id" if completion_id else None)


def unauthorized(message: str, code: str | None) -> Answer:
    """401, indented by four blanks, with a newline behind it and no openai-* headers: this is another server."""
    envelope = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
    body = json.dumps(envelope, indent=4).encode() + b"\n"
    return Answer(401, body, (*edge_headers("application/json; charset=utf-8"), request_id()), whole)


def incorrect_key(key: str) -> Answer:
    """OpenAI shows the first eight and the last four characters of a key, and a short one as it is."""
    shown = key if len(key) <= 12 else f"{key[:8]}{'*' * (len(key) - 12)}{key[-4:]}"
    where = "You can find your API key at https://platform.openai.com/account/api-keys."
    return unauthorized(f"Incorrect API key provided: {shown}. {where}", "invalid_api_key")


def missing_key() -> Answer:
    return unauthorized(
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
        "(i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from "
        "https://platform.openai.com/account/api-keys.",
        None,
    )


def azure_denied() -> Answer:
    message = "Access denied due to invalid subscription key or wrong API endpoint."
    return plain(401, compact({"error": {"code": "401", "message": message}}))


# --- The API as it should be ----------------------------------------------------------------------------------------


def api(
    question: Question,
    change: Callable[[Json], None] | None = None,
    *,
    check_key: Callable[[Question], None] | None = None,
    messages: Callable[[str], list[Json]] | None = None,
) -> Answer:
    """Answer from the data; `change` may then spoil the payload."""
    try:
        (check_key or check_bearer)(question)
        payload = LOOK_UP[question.kind](question, messages or MESSAGES.__getitem__)
    except Refusal as refusal:
        return refusal.answer
    if change is not None:
        payload = copy.deepcopy(payload)
        change(payload)
    return openai(200, compact(payload))


def check_bearer(question: Question) -> None:
    scheme, _, key = question.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Refusal(missing_key())
    check(question, key, incorrect_key(key))


def check_azure(question: Question) -> None:
    check(question, question.headers.get("api-key", ""), azure_denied())


def check(question: Question, key: str, refused: Answer) -> None:
    if key in STATE.settings.get("refuses", ()) or not key.startswith(("sk-good", "600d", "sk-other")):
        raise Refusal(refused)
    if key.startswith("sk-other"):
        raise Refusal(not_found(question.completion_id))


def look_up_list(question: Question, _messages: Callable[[str], list[Json]]) -> Json:
    found = [item for item in reversed(COMPLETIONS.values()) if matches(item, question.query) and not missing(item)]
    return page(found, question.query, default_order="desc")


def matches(completion: Json, query: dict[str, str]) -> bool:
    wanted = {found[1]: value for name, value in query.items() if (found := re.fullmatch(r"metadata\[(.*)\]", name))}
    model = query.get("model") or completion["model"]
    return bool(completion["model"] == model and wanted.items() <= completion["metadata"].items())


def missing(completion: Json) -> bool:
    return completion["id"] in STATE.settings.get("missing", ())


def look_up_completion(question: Question, _messages: Callable[[str], list[Json]]) -> Json:
    completion = COMPLETIONS.get(question.completion_id)
    if completion is None or missing(completion):
        raise Refusal(not_found(question.completion_id))
    return completion


def look_up_messages(question: Question, messages: Callable[[str], list[Json]]) -> Json:
    completion = look_up_completion(question, messages)
    return page(messages(completion["id"]), question.query, default_order="asc")


def look_up_nothing(question: Question, _messages: Callable[[str], list[Json]]) -> Json:
    raise Refusal(error(404, f"Invalid URL ({question.method} {question.path})", "invalid_request_error", None))


def look_up_response(question: Question, _messages: Callable[[str], list[Json]]) -> Json:
    return held(RESPONSES, question, "Response")


def look_up_input(question: Question, _messages: Callable[[str], list[Json]]) -> Json:
    held(RESPONSES, question, "Response")
    return page_of_items(INPUT_ITEMS[question.completion_id], question.query)


def look_up_conversation(question: Question, _messages: Callable[[str], list[Json]]) -> Json:
    return held(CONVERSATIONS, question, "Conversation")


def look_up_items(question: Question, _messages: Callable[[str], list[Json]]) -> Json:
    held(CONVERSATIONS, question, "Conversation")
    new = [make_item(f"msg_new{n}", "user", "And then?") for n in range(STATE.settings.get("grown", 0))]
    return page_of_items([*CONVERSATION_ITEMS[question.completion_id], *new], question.query)


def held(holders: dict[str, Json], question: Question, kind: str) -> Json:
    found = holders.get(question.completion_id)
    if found is None or missing(found):
        message = f"{kind} with id '{question.completion_id}' not found."
        raise Refusal(error(404, message, "invalid_request_error", None))
    return found


def page_of_items(items: list[Json], query: dict[str, str]) -> Json:
    """A page of items, the newest first by default, with pictures only where they are asked for."""
    with_pictures = "message.input_image.image_url" in query.get("include[]", "").split(",")
    return page([item if with_pictures else without_pictures(item) for item in items], query, default_order="desc")


def without_pictures(item: Json) -> Json:
    content = [{**part, "image_url": None} if "image_url" in part else part for part in item["content"]]
    return {**item, "content": content}


OF_OTHER_API: dict[str, Callable[[Question, Callable[[str], list[Json]]], Json]] = {
    "responses": look_up_response,
    "responses/input_items": look_up_input,
    "conversations": look_up_conversation,
    "conversations/items": look_up_items,
}
LOOK_UP: dict[str, Callable[[Question, Callable[[str], list[Json]]], Json]] = {
    "list": look_up_list,
    "completion": look_up_completion,
    "messages": look_up_messages,
    **OF_OTHER_API,
    "nothing": look_up_nothing,
}


def page(oldest_first: list[Json], query: dict[str, str], *, default_order: str) -> Json:
    """Cut one page out of the items, behind the cursor, in the order asked for."""
    limit = read_limit(query.get("limit", "20"))
    order = query.get("order", default_order)
    if order not in ("asc", "desc"):
        raise bad_value("order", f"Invalid value: '{order}'. Supported values are: 'asc' and 'desc'.", "invalid_value")
    items = oldest_first if order == "asc" else oldest_first[::-1]
    start = behind(items, query["after"]) if query.get("after") else 0
    data = items[start : start + limit]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": start + limit < len(items),
    }


def read_limit(words: str) -> int:
    if not re.fullmatch(r"-?\d{1,9}", words):
        raise bad_value("limit", "Invalid type for 'limit': expected an integer.", "invalid_type")
    limit = int(words)
    if limit > 100:
        message = f"integer above maximum value. Expected a value <= 100, but got {limit} instead."
        raise bad_value("limit", f"Invalid 'limit': {message}", "integer_above_max_value")
    if limit < 1:
        message = f"integer below minimum value. Expected a value >= 1, but got {limit} instead."
        raise bad_value("limit", f"Invalid 'limit': {message}", "integer_below_min_value")
    return limit


def behind(items: list[Json], cursor: str) -> int:
    for position, item in enumerate(items, start=1):
        if item["id"] == cursor:
            return position
    raise bad_value("after", f"Invalid 'after': {cursor} was not found.", "invalid_value")


def bad_value(param: str, message: str, code: str) -> Refusal:
    return Refusal(error(400, message, "invalid_request_error", code, param))


# --- Ways to send an answer -----------------------------------------------------------------------------------------


def whole(handler: Handler, answer: Answer) -> None:
    """As it should be, and in one piece."""
    handler.write(answer.head(("content-length", str(len(answer.body)))) + answer.body)


def chunked(handler: Handler, answer: Answer, pieces: Iterable[bytes] | None = None) -> None:
    """In pieces, with their lengths."""
    handler.write(answer.head(("transfer-encoding", "chunked")))
    for piece in pieces or (answer.body[start : start + 1000] for start in range(0, len(answer.body), 1000)):
        handler.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    handler.write(b"0\r\n\r\n")


def padded(handler: Handler, answer: Answer, megabytes: float) -> None:
    """The same JSON with a long last value, never held in memory."""
    chunked(handler, answer, padding(answer.body, int(megabytes * MEGABYTE), 50_000))


def padding(body: bytes, length: int, size: int) -> Iterator[bytes]:
    """Give a JSON object in pieces, with a string of at least `length` letters as its last value."""
    yield body.rstrip()[:-1] + b',"padding":"'
    yield from itertools.repeat(b"a" * size, -(-length // size))
    yield b'"}'


def never(handler: Handler, _answer: Answer) -> None:
    """Not at all, until the client leaves."""
    handler.close_connection = True
    while handler.connection.recv(4096):
        pass


def drip_body(handler: Handler, answer: Answer, pause: float = DRIP_SECONDS) -> None:
    """The head at once, the body byte by byte, then blanks for ever."""
    handler.write(answer.head(("content-length", str(1000 * MEGABYTE))))
    drip(handler, itertools.chain(answer.body, itertools.repeat(ord(" "))), pause)


def drip_head(handler: Handler, answer: Answer, pause: float = DRIP_SECONDS) -> None:
    """The head byte by byte; its last header never ends."""
    head = answer.head()[:-2] + b"x-padding: "
    drip(handler, itertools.chain(head, itertools.repeat(ord("a"))), pause)


def drip(handler: Handler, values: Iterable[int], pause: float) -> None:
    for value in values:
        handler.write(bytes([value]))
        time.sleep(pause)


def cut(handler: Handler, answer: Answer) -> None:
    """The first half of the body, then the end of the connection."""
    handler.close_connection = True
    handler.write(answer.head(("content-length", str(len(answer.body)))) + answer.body[: len(answer.body) // 2])


def tear(handler: Handler, _answer: Answer) -> None:
    """A reset (RST) instead of an answer. The descriptor itself is closed, as a shutdown would say goodbye first."""
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(handler.connection.detach())


# --- Modes: other servers -------------------------------------------------------------------------------------------


def appending(question: Question) -> Answer:
    """OGX: the choices stand behind the input as messages, with all its keys."""
    return api(question, messages=appended_messages)


OGX_ONLY = ("refusal", "tool_calls", "tool_call_id", "annotations", "audio", "function_call")


def appended_messages(completion_id: str) -> list[Json]:
    given = MESSAGES[completion_id]
    said = [choice["message"]["content"] for choice in COMPLETIONS[completion_id]["choices"]]
    first = "msg_answer" if completion_id == HEX else completion_id
    answers = [make_message(f"{first}-{n}", "assistant", words) for n, words in enumerate(said, start=len(given))]
    return [message | dict.fromkeys(OGX_ONLY) for message in given + answers]


def azure(question: Question) -> Answer:
    """Azure OpenAI: another header for the key, keys more and keys less."""
    return api(question, as_azure, check_key=check_azure)


def as_azure(payload: Json) -> None:
    if payload["object"] == "list":
        payload["total"] = len(payload["data"])
    for item in payload.get("data", [payload]):
        if "choices" in item:
            item["object"] = None if "data" in payload else item["object"]
            for choice in item["choices"]:
                choice["finish_reason"] = None
        else:
            del item["content_parts"], item["name"]
            item.update(dict.fromkeys(("refusal", "tool_calls", "audio", "function_call")))


def no_list(question: Question) -> Answer:
    if question.kind == "list":
        return method_not_allowed()
    return api(question)


def elsewhere(question: Question) -> Answer:
    """Answer as a server does whose API is below another path."""
    return method_not_allowed()


def method_not_allowed() -> Answer:
    return plain(405, b'{"detail":"Method Not Allowed"}')


def ignores_metadata(question: Question) -> Answer:
    kept = {name: value for name, value in question.query.items() if not name.startswith("metadata")}
    return api(replace(question, query=kept))


# --- Modes: the wire ------------------------------------------------------------------------------------------------


def slow(question: Question) -> Answer:
    time.sleep(question.number(1.0))
    return api(question)


def stalled(question: Question) -> Answer:
    return replace(api(question), deliver=never)


def dripping(question: Question) -> Answer:
    return replace(api(question), deliver=partial(drip_body, pause=question.number(DRIP_SECONDS)))


def dripping_headers(question: Question) -> Answer:
    return replace(api(question), deliver=partial(drip_head, pause=question.number(DRIP_SECONDS)))


def truncated(question: Question) -> Answer:
    return replace(api(question), deliver=cut)


def reset(question: Question) -> Answer:
    return replace(api(question), deliver=tear)


def close(question: Question) -> Answer:
    return api(question).including(("connection", "close"))


def in_chunks(question: Question) -> Answer:
    return replace(api(question), deliver=chunked)


def zipped(question: Question) -> Answer:
    """gzip, if the client takes it."""
    answer = api(question)
    if "gzip" not in question.headers.get("accept-encoding", ""):
        return answer
    return replace(answer, body=gzip.compress(answer.body)).including(("content-encoding", "gzip"))


def gzip_bomb(question: Question) -> Answer:
    """Valid JSON of 300 MB in 0.3 MB, whether the client takes gzip or not."""
    answer = api(question)
    return replace(answer, body=bomb(answer.body, question.number(300))).including(("content-encoding", "gzip"))


@lru_cache(maxsize=16)
def bomb(body: bytes, megabytes: float) -> bytes:
    """Pack a padded body; one packed megabyte, complete in itself, is repeated, which is quicker than packing all."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed: dict[bytes, bytes] = {}
    parts, checksum, length = [], 0, 0
    for piece in padding(body, int(megabytes * MEGABYTE), MEGABYTE):
        if piece not in packed:
            packed[piece] = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
        parts.append(packed[piece])
        checksum, length = zlib.crc32(piece, checksum), length + len(piece)
    trailer = struct.pack("<II", checksum, length % 2**32)
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + b"".join(parts) + packer.flush() + trailer


def huge(question: Question) -> Answer:
    return replace(api(question), deliver=partial(padded, megabytes=question.number(100)))


# --- Modes: the content ---------------------------------------------------------------------------------------------


def html(_question: Question) -> Answer:
    return plain(200, b"<!DOCTYPE html><title>Welcome</title><h1>Sign in to the network</h1>\n", "text/html")


def html_502(_question: Question) -> Answer:
    body = b"""<html>\r
<head><title>502 Bad Gateway</title></head>\r
<body>\r
<center><h1>502 Bad Gateway</h1></center>\r
<hr><center>cloudflare</center>\r
</body>\r
</html>\r
"""
    return Answer(502, body, edge_headers("text/html"), whole)


def wrong_type(question: Question) -> Answer:
    return api(question).typed("text/plain")


def surrogates(question: Question) -> Answer:
    """Escapes that Python reads into text that cannot be encoded, and NUL."""
    answer = api(question)
    return replace(answer, body=re.sub(rb"(Message|Answer) ", rb"\1 \\ud83d \\udc00 \\u0000 ", answer.body))


def bad_json(question: Question) -> Answer:
    answer = api(question)
    return replace(answer, body=answer.body[: len(answer.body) // 2])


def no_data(_question: Question) -> Answer:
    return openai(200, b'{"object":"list"}')


def nested(question: Question) -> Answer:
    answer = api(question)
    depth = int(question.number(100_000))
    return replace(answer, body=answer.body.rstrip()[:-1] + b',"nested":' + b"[" * depth + b"]" * depth + b"}")


def more_but_empty(question: Question) -> Answer:
    return api(question, empty_with_more)


def empty_with_more(payload: Json) -> None:
    if "data" in payload:
        payload.update(data=[], first_id=None, last_id=None, has_more=True)


def more_for_ever(question: Question) -> Answer:
    return api(question, with_more)


def with_more(payload: Json) -> None:
    if "data" in payload:
        payload["has_more"] = True


def more_missing(question: Question) -> Answer:
    return api(question, lambda payload: payload.pop("has_more", None))


def more_string(question: Question) -> Answer:
    return api(question, with_more_as(lambda has_more: str(has_more).lower()))


def more_number(question: Question) -> Answer:
    return api(question, with_more_as(int))


def more_null(question: Question) -> Answer:
    return api(question, with_more_as(lambda _: None))


def more_when_full(question: Question) -> Answer:
    """A server that does not look behind a page: a full one may have more."""
    limit = int(question.query.get("limit", "20"))
    return api(
        question, lambda payload: payload.update(has_more=len(payload["data"]) == limit) if "data" in payload else None
    )


def with_more_as(form: Callable[[bool], Any]) -> Callable[[Json], None]:
    def change(payload: Json) -> None:
        if "data" in payload:
            payload["has_more"] = form(payload["has_more"])

    return change


def ignores_after(question: Question) -> Answer:
    """A gateway that drops what it does not know: every page is the first."""
    return api(replace(question, query={name: value for name, value in question.query.items() if name != "after"}))


def ids_empty(question: Question) -> Answer:
    return api(question, without_ids)


def without_ids(payload: Json) -> None:
    if "data" in payload:
        payload.update(first_id="", last_id="")
        for item in payload["data"]:
            del item["id"]


HOSTILE_IDS = ["a/b", "..", ".", "", "x" * 300, "nul\0"]
"""Ids that no address can hold."""
METHODS = ["items", "keys", "values", "get", "0", "", "<b>"]
"""Names that a template may take for something else."""
EDGES = [-62135596800, 253402300799, -62135596801, 253402300800, 1e308, 2**63]
"""The first and the last second of the calendar, and times beyond it."""


def hostile(question: Question) -> Answer:
    """Everything that a careless server may send in one item, beside items that are as they should be."""
    return api(question, with_hostile_items)


def with_hostile_items(payload: Json) -> None:
    if "data" not in payload:
        payload.update(hostile_fields(payload))
    elif payload["data"]:
        good = payload["data"][0]
        times = itertools.cycle(EDGES)
        spoilt = [{**good, **hostile_fields(good), "id": one, "created": next(times)} for one in HOSTILE_IDS]
        payload["data"][1:1] = [*spoilt, {**good, "id": None}, {**good, "id": "sp ace?#%"}, None, 7, "text", [], {}]


def hostile_fields(item: Json) -> Json:
    named = {name: name for name in METHODS}
    if "choices" not in item:
        return {**named, "reasoning_details": named, "tool_calls": [{"id": "c", "type": "items", **named}]}
    choices = [{**choice, **named, "message": {**choice["message"], **named}} for choice in item["choices"]]
    return {"metadata": named, "tool_choice": named, "choices": choices, "model": "items", **named}


# --- Modes: refusals ------------------------------------------------------------------------------------------------


def too_many(_question: Question) -> Answer:
    message = "Rate limit reached for stored completions. Please try again later."
    return error(429, message, "requests", "rate_limit_exceeded")


def rate_limited(question: Question) -> Answer:
    return too_many(question).including(("retry-after", f"{question.number(1):g}"))


def rate_limited_as_set(question: Question) -> Answer:
    told = ("retry-after", STATE.settings.get("retry_after", "0"))
    return too_many(question).including(told, ("x-should-retry", "false"))


def rate_limited_ms(question: Question) -> Answer:
    return too_many(question).including(("retry-after-ms", f"{question.number(200):g}"))


def rate_limited_long(question: Question) -> Answer:
    return too_many(question).including(("retry-after", "60"))


def rate_limited_date(question: Question) -> Answer:
    return too_many(question).including(("retry-after", formatdate(time.time() + question.number(2), usegmt=True)))


def rate_limited_once(question: Question) -> Answer:
    if question.times() == 1:
        return too_many(question).including(("retry-after", "0"))
    return api(question)


def quota(question: Question) -> Answer:
    """No money left; `quota-5` says Retry-After: 5 all the same."""
    message = "You exceeded your current quota, please check your plan and billing details."
    answer = error(429, message, "insufficient_quota", "credit_balance_exhausted")
    return answer if question.measure is None else answer.including(("retry-after", f"{question.measure:g}"))


def storm(_question: Question) -> Answer:
    message = "The server had an error while processing your request. Sorry about that!"
    return error(500, message, "server_error", None)


def flaky(question: Question) -> Answer:
    if question.times() == 1:
        return error(503, "The server is not ready yet.", "server_error", None)
    return api(question)


def overloaded(_question: Question) -> Answer:
    message = "The server is currently overloaded with other requests."
    return error(503, message, "server_error", "server_is_overloaded")


def should_not_retry(question: Question) -> Answer:
    return storm(question).including(("x-should-retry", "false"))


def should_retry(question: Question) -> Answer:
    if question.times() == 1:
        return error(400, "Please ask again.", "invalid_request_error", None).including(("x-should-retry", "true"))
    return api(question)


def forbidden(_question: Question) -> Answer:
    message = "You have insufficient permissions for this operation. Missing scopes: api.completions.read."
    return error(403, message, "invalid_request_error", None)


def echoes_key(question: Question) -> Answer:
    """A careless server: the whole key stands in the message and in a header."""
    shown = question.headers.get("authorization") or question.headers.get("api-key", "")
    return error(500, f"Internal error for {shown}", "server_error", None).including(("x-debug", shown))


def echoes(question: Question) -> Answer:
    """The key in every form that programs give it, in a body that comes in small pieces, and in headers."""
    status = int(question.number(200))
    key = (question.headers.get("authorization") or question.headers.get("api-key", "")).removeprefix("Bearer ")
    shown = " ".join(echoes_of(key) if status == 200 else [*echoes_of(key), *parts_of(key)])
    if status == 200:
        answer = api(question, lambda payload: payload.update(debug=shown), check_key=lambda _: None)
        words = json.dumps(shown)[1:-1].encode()
        answer = replace(answer, body=re.sub(rb"(Message|Answer) ", lambda found: found[0] + words + b" ", answer.body))
    else:
        answer = error(status, f"Not with {shown}", "invalid_request_error", shown, shown)
    told = answer.including(("x-request-id", f"req {key}"), ("openai-version", f"{key[:8]}****{key[-4:]}"))
    pieces = [answer.body[start : start + 11] for start in range(0, len(answer.body), 11)]
    return replace(told, deliver=partial(chunked, pieces=pieces))


def echoes_of(key: str) -> list[str]:
    shown = (f"{before}{key}{behind}".encode() for before in ("", ":", "Bearer ") for behind in ("", " "))
    packed = [pack(one).decode() for one in shown for pack in (base64.b64encode, base64.urlsafe_b64encode)]
    return [key, *packed, quote(key, safe="")]


def parts_of(key: str) -> list[str]:
    middle = len(key) // 2
    return [key[:middle], key[middle:], f"{key[:8]}{'*' * 20}{key[-4:]}", f"{key[:4]}...{key[-4:]}"]


def odd_status(question: Question) -> Answer:
    return replace(api(question), status=int(question.number(999)))


def control_in_header(question: Question) -> Answer:
    """A control character in headers that are passed on, and in the type."""
    spoilt = ("x-ratelimit-reset-requests", "1\x01s"), ("openai-version", "2020\x7f"), ("retry-after", "1\x0b")
    return api(question).typed("application/json\x01").including(*spoilt)


def broken_header(question: Question) -> Answer:
    """A line among the headers that is none, with the key in it."""
    answer = api(question)
    line = f"\r\nno header but {question.headers.get('authorization')}\r\n".encode()
    head = answer.head(("content-length", str(len(answer.body)))).replace(b"\r\n", line, 1)
    return replace(answer, deliver=lambda handler, _: handler.write(head + answer.body))


def broken_chunk(question: Question) -> Answer:
    """The key where the length of a piece should stand."""

    def deliver(handler: Handler, answer: Answer) -> None:
        handler.close_connection = True
        handler.write(
            answer.head(("transfer-encoding", "chunked")) + f"{question.headers['authorization']}\r\n".encode()
        )

    return replace(api(question), deliver=deliver)


def packed_oddly(question: Question) -> Answer:
    return api(question).including(("content-encoding", "compress"))


def redirect(_question: Question) -> Answer:
    return plain(302, b"", "text/plain").including(("location", "http://127.0.0.1:1/"))


def late(question: Question) -> Answer:
    """A new completion: not there until one of its two addresses has been asked for it three times."""
    if question.kind in ("completion", "messages"):
        address = question.path.removesuffix("/messages")
        times = max(STATE.times_asked(address), STATE.times_asked(f"{address}/messages"))
        if times <= question.number(2):
            return not_found(question.completion_id)
    return api(question)


def unknown_cursor_404(question: Question) -> Answer:
    answer = api(question)
    return not_found("") if answer.status == 400 else answer


def messages_404(question: Question) -> Answer:
    return not_found(question.completion_id) if question.kind == "messages" else api(question)


def second_page_500(question: Question) -> Answer:
    return storm(question) if question.kind == "messages" and "after" in question.query else api(question)


def completion_500(question: Question) -> Answer:
    return storm(question) if question.kind == "completion" else api(question)


def ogx(question: Question) -> Answer:
    """As OGX has the other API: no ids on what a request listed, no word about more, pictures by `include` alone."""
    wanted = replace(question, query={**question.query, "include[]": question.query.get("include", "")})
    answer = api(wanted)
    if question.kind == "responses/input_items" and answer.status == 200:
        places = {item["id"]: place for place, item in enumerate(INPUT_ITEMS[question.completion_id])}
        data = json.loads(answer.body)["data"]
        bare = [item if places[item["id"]] % 3 == 0 else {**item, "id": None} for item in data]
        return plain(200, compact({"object": "list", "data": bare}))
    if answer.status >= 400 and question.kind in OF_OTHER_API:
        return plain(404, compact({"detail": f"An item or '{question.completion_id}' not found."}))
    return answer


def names_others(question: Question) -> Answer:
    """The metadata of the newest completion on a page of the list names a conversation, and a response that is gone."""

    def name(payload: Json) -> None:
        payload["data"][0]["metadata"] |= {"thread": CONVERSATION, "response": "resp_never"}

    return api(question, name if question.kind == "list" else None)


MODES: dict[str, Callable[[Question], Answer]] = {
    "ok": api,
    "ogx": ogx,
    "names-others": names_others,
    "appending": appending,
    "azure": azure,
    "no-list": no_list,
    "elsewhere": elsewhere,
    "ignores-metadata": ignores_metadata,
    "slow": slow,  # slow-2.5: seconds
    "stalled": stalled,
    "drip": dripping,  # drip-0.01: seconds between two bytes
    "drip-headers": dripping_headers,
    "truncated": truncated,
    "reset": reset,
    "close": close,
    "chunked": in_chunks,
    "gzip": zipped,
    "gzip-bomb": gzip_bomb,  # gzip-bomb-50: megabytes
    "huge": huge,  # huge-5: megabytes
    "html": html,
    "html-502": html_502,
    "wrong-type": wrong_type,
    "surrogates": surrogates,
    "bad-json": bad_json,
    "no-data": no_data,
    "nested": nested,  # nested-500: levels
    "more-but-empty": more_but_empty,
    "more-for-ever": more_for_ever,
    "more-missing": more_missing,
    "more-string": more_string,
    "more-number": more_number,
    "more-null": more_null,
    "more-when-full": more_when_full,
    "ignores-after": ignores_after,
    "ids-empty": ids_empty,
    "hostile": hostile,
    "rate-limited": rate_limited,  # rate-limited-5: seconds
    "rate-limited-as-set": rate_limited_as_set,  # by `set("retry_after", …)`
    "rate-limited-ms": rate_limited_ms,  # rate-limited-ms-900: milliseconds
    "rate-limited-long": rate_limited_long,
    "rate-limited-date": rate_limited_date,  # rate-limited-date-30: seconds from now
    "rate-limited-bare": too_many,
    "rate-limited-once": rate_limited_once,
    "quota": quota,  # quota-5: with Retry-After
    "storm": storm,
    "flaky": flaky,
    "overloaded": overloaded,
    "should-not-retry": should_not_retry,
    "should-retry": should_retry,
    "forbidden": forbidden,
    "echoes-key": echoes_key,
    "echoes": echoes,  # echoes-401: status
    "odd-status": odd_status,  # odd-status-600
    "control-in-header": control_in_header,
    "broken-header": broken_header,
    "broken-chunk": broken_chunk,
    "packed-oddly": packed_oddly,
    "redirect": redirect,
    "late": late,  # late-5: times
    "messages-404": messages_404,
    "unknown-cursor-404": unknown_cursor_404,
    "completion-500": completion_500,
    "second-page-500": second_page_500,
}


def find_mode(segment: str) -> tuple[str, float | None]:
    """Take a path's first segment apart: `slow-2.5~anything` is the mode slow with the measure 2.5."""
    name = segment.partition("~")[0]
    if name in MODES:
        return name, None
    found = re.fullmatch(r"(.+)-(\d+(?:\.\d+)?)", name)
    if found is None or found[1] not in MODES:
        raise ValueError(f"there is no mode {segment!r}")
    return found[1], float(found[2])


# --- The server -----------------------------------------------------------------------------------------------------

PATH = re.compile(r"/(?P<mode>[^/]+)(?:/openai)?/v1/chat/completions(?:/(?P<id>[^/]+)(?P<messages>/messages)?)?/?")
OTHER_PATH = re.compile(
    r"/(?P<mode>[^/]+)(?:/openai)?/v1/(?P<kind>responses|conversations)/(?P<id>[^/]+)(?:/(?P<items>input_items|items))?"
)


def read_question(method: str, path: str, query: str, headers: dict[str, str]) -> Question:
    found = PATH.fullmatch(path)
    asked: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        asked[name] = f"{asked[name]},{value}" if name.endswith("[]") and name in asked else value
    if other := OTHER_PATH.fullmatch(path):
        mode, measure = find_mode(STATE.settings.get("mode") or other["mode"])
        kind = "/".join(filter(None, (other["kind"], other["items"])))
        kind = kind if kind in OF_OTHER_API else "nothing"
        return Question(method, path, asked, headers, mode, measure, kind, unquote(other["id"]))
    segment = STATE.settings.get("mode") or (found["mode"] if found else path.split("/")[1])
    mode, measure = find_mode(segment)
    kind = "nothing" if found is None else "messages" if found["messages"] else "completion" if found["id"] else "list"
    completion_id = unquote(found["id"] or "") if found else ""
    return Question(method, path, asked, headers, mode, measure, kind, completion_id)


class Handler(BaseHTTPRequestHandler):
    """One connection: many requests, each answered in its mode."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        """Read one request whole, note it, answer it."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        url = urlsplit(self.path)
        if url.path.startswith("/_control/"):
            whole(self, control(self.command, url.path, body))
            return
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
        entry = {"method": self.command, "path": url.path, "query": url.query, "headers": headers}
        STATE.enter(entry | {"at": time.time(), "connection": self.client_address[1]})
        try:
            self.send(answer_in_mode(self.command, url.path, url.query, headers))
        finally:
            STATE.leave()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any

    def send(self, answer: Answer) -> None:
        if ("connection", "close") in answer.headers:
            self.close_connection = True
        try:
            answer.deliver(self, answer)
        except OSError:  # the client has left
            self.close_connection = True

    def write(self, data: bytes) -> None:
        if self.command == "HEAD":
            data = data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        self.connection.sendall(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: `asked` tells what came."""


def answer_in_mode(method: str, path: str, query: str, headers: dict[str, str]) -> Answer:
    time.sleep(STATE.settings.get("delay", 0))
    try:
        question = read_question(method, path, query, headers)
    except ValueError as unknown:
        return plain(501, str(unknown).encode(), "text/plain")
    return MODES[question.mode](question) if method == "GET" else method_not_allowed()


def control(method: str, path: str, body: bytes) -> Answer:
    """Answer the tests: what was asked, how much at a time; forget it; set something."""
    match method, path.removeprefix("/_control/"):
        case "GET", "asked":
            with STATE.lock:
                return plain(200, json.dumps(STATE.asked).encode())
        case "GET", "busy":
            return plain(200, json.dumps({"now": STATE.busy, "most": STATE.most_busy}).encode())
        case "POST", "forget":
            STATE.forget()
            return plain(200, b"{}")
        case "POST", "set":
            STATE.settings.update(json.loads(body))
            return plain(200, b"{}")
    return plain(404, b'"there is no such control"')


class Server(ThreadingHTTPServer):
    """A thread per connection, a long queue, and no word about clients that leave."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def server_bind(self) -> None:
        """Bind without looking the host's name up."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when the parent process has ended")
    options = parser.parse_args()
    with Server(("127.0.0.1", options.port), Handler) as server:
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
        sys.stdout.flush()
        if options.until_stdin_closes:
            threading.Thread(target=stop_with_stdin, args=[server], daemon=True).start()
        with suppress(KeyboardInterrupt):
            server.serve_forever(poll_interval=0.1)


def stop_with_stdin(server: Server) -> None:
    sys.stdin.read()
    server.shutdown()


# --- For the tests --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Upstream:
    """The running server, as a test sees it."""

    url: str

    @property
    def host(self) -> str:
        """Give the entry of `API_HOSTS` that allows it."""
        return self.url.removeprefix("http://")

    def base(self, mode: str = "ok", key: str | None = None) -> str:
        """Give a base URL for this mode; a `key` of one's own gives modes that count a count of one's own."""
        find_mode(mode)
        return f"{self.url}/{mode}~{key}/v1" if key else f"{self.url}/{mode}/v1"

    def asked(self) -> list[Json]:
        """List what has been asked, in order: method, path, query (raw), headers (lower case), at, connection."""
        return self._control("GET", "asked")

    def busy(self) -> Json:
        """Say how many questions wait for their answer, `now` and at `most`, since `forget`."""
        return self._control("GET", "busy")

    def forget(self) -> None:
        """Forget what was asked, every count, and every `set`."""
        self._control("POST", "forget")

    def set(self, name: str, value: Any) -> None:
        """Set `mode` (for every address; None ends it), `delay` (s), `refuses` (keys), `missing` (completion ids),
        `grown` (how many items every conversation has gained) or `retry_after` (a header as it is sent).
        """
        if name not in ("mode", "delay", "refuses", "missing", "grown", "retry_after"):
            raise ValueError(f"there is nothing called {name!r} to set")
        if name == "mode" and value is not None:
            find_mode(value)
        self._control("POST", "set", {name: value})

    def _control(self, method: str, name: str, payload: Json | None = None) -> Any:
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            connection.request(method, f"/_control/{name}", None if payload is None else json.dumps(payload))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


@contextmanager
def running_upstream() -> Iterator[Upstream]:
    """Run the server in its own process; it ends with this block, or with this process."""
    command = [sys.executable, __file__, "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Upstream(process.stdout.readline().strip())
        finally:
            process.kill()


if __name__ == "__main__":
    main()
