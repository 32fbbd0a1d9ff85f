"""A secret that a server echoes is removed, however it is encoded, and nothing else is."""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from html import unescape
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.costs import assert_linear, cost
from tests.traces import traces
from viewer.client.problems import problem_of
from viewer.client.scrubbing import Scrubber, without_keys
from viewer.completions.errors import read_error

SHAPES = [
    "7f3e9c2a41d05b68e3a90f1c7d42b586", "7f3e9c2a-41d0-4b68-a3a9-0f1c7d42b586", "sk-proj-7f3e9c2aCANARY41d05b68",
    "gw+7f3e9c2a/41d0&5b68<e3a9>\"0f1c\\'7d42", "????>>>>~~~~7f3e9c2a41d0",
]  # fmt: skip


def encodings_of(secret: str) -> list[str]:
    """The encodings in which programs show a secret."""
    packed = [
        pack(f"{before}{secret}{after}".encode()).decode()
        for pack in (b64encode, urlsafe_b64encode)
        for before in ("", ":", "Bearer ", "it:")
        for after in ("", ":", "\n ")
    ]
    return [
        secret, f"Bearer {secret}", *packed, *(one.rstrip("=") for one in packed), quote(secret), quote(secret, safe=""),
        quote(secret, safe="").lower() if secret.islower() else secret, json.dumps(secret), json.dumps(secret).replace("/", "\\/"),
        "".join(f"\\u{ord(character):04x}" for character in secret), secret.upper(), secret.encode().hex(),
        "".join(f"\\u{ord(character):04X}" for character in secret), "".join(f"%{ord(character):02X}" for character in secret),
        "".join(f"&#{ord(character)};" for character in secret), "".join(f"&#x{ord(character):x};" for character in secret),
        secret.replace("-", "\\u002d"), json.dumps(json.dumps(secret))[3:-3],
    ]  # fmt: skip


def contains(text: str, secret: str) -> bool:
    shown = unescape(unquote(re.sub(r"\\u00(..)", r"%\1", text))).lower()
    return (
        secret.lower() in shown
        or secret.encode().hex() in shown
        or any(part in text for part in (quote(secret, safe=""), json.dumps(secret)[1:-1], *traces(secret)))
    )


@pytest.mark.parametrize("secret", SHAPES)
def test_a_whole_secret_is_removed_from_bodies_and_errors_however_it_is_encoded(secret: str) -> None:
    scrubber = Scrubber([secret])
    for echo in encodings_of(secret):
        body = f'{{"a": "before {echo} behind"}}'
        for clean in (scrubber.clean_body, scrubber.clean_error):
            left = clean(body.encode()).decode()
            assert not contains(left, secret), echo
            assert left.startswith('{"a": "before ')
            assert left.endswith(' behind"}')
            assert "[key]" in left


@pytest.mark.parametrize("secret", SHAPES)
def test_a_secret_that_is_split_between_two_chunks_is_removed(secret: str) -> None:
    scrubber = Scrubber([secret])
    for echo in encodings_of(secret)[:12]:
        body = f"before {echo} behind {secret[:9]}".encode()
        for size in (1, 2, 7, 16, 31, 1000):
            chunks = [body[start : start + size] for start in range(0, len(body), size)]
            assert merge_replacements(b"".join(scrubber.clean_chunks(chunks))) == merge_replacements(
                scrubber.clean_body(body)
            )


def merge_replacements(body: bytes) -> bytes:
    """A secret whose first half came alone is replaced twice."""
    return re.sub(rb"(?:\[key\])+", b"[key]", body)


@given(st.lists(st.text(alphabet="7f3e9c2a41d0[key]", max_size=40), max_size=8))
def test_chunks_are_cleaned_like_the_whole_body(chunks: list[str]) -> None:
    scrubber = Scrubber(["7f3e9c2a41d07f3e9c2a"])
    encoded = [chunk.encode() for chunk in chunks]
    assert merge_replacements(b"".join(scrubber.clean_chunks(encoded))) == merge_replacements(
        scrubber.clean_body(b"".join(encoded))
    )


def test_only_what_begins_like_a_secret_waits_for_the_next_chunk() -> None:
    chunks = list(Scrubber([SHAPES[0]]).clean_chunks(iter([b"(!)", b" 7f3", b"e9c2 (.)", b"." * 1_000, b"(?)"])))
    assert chunks == [b"(!)", b" ", b"7f3e9c2 (.)" + b"." * 1_000, b"(?)"]
    assert list(Scrubber().clean_chunks(iter([b"one", b"two"]))) == [b"one", b"two"]


@pytest.mark.parametrize("secret", SHAPES[:3])
def test_halves_and_masked_forms_are_removed_from_bodies(secret: str) -> None:
    scrubber = Scrubber([secret])
    start, end, middle = secret[:8], secret[-4:], len(secret) // 2
    for shown in (
        f"{start}{'*' * 20}{end}", f"{secret[:3]}...{end}", f"{start}…{end}", f"{secret[:3]}••••{end}", f"{start}xxxxxxxxxx{end}",
        json.dumps(f"{start}••••{end}")[1:-1], secret[:middle], secret[middle:],
    ):  # fmt: skip
        body = f'{{"content": "Your key is {shown}. Wait... or ask."}}'.encode()
        assert scrubber.clean_body(body) == b'{"content": "Your key is [key]. Wait... or ask."}', shown
        assert b"".join(
            scrubber.clean_chunks(body[at : at + 5] for at in range(0, len(body), 5))
        ) == scrubber.clean_body(body)


@pytest.mark.parametrize("secret", SHAPES[:3])
def test_parts_and_masked_forms_are_removed_from_errors(secret: str) -> None:
    scrubber = Scrubber([secret])
    start, end, middle = secret[:8], secret[-4:], len(secret) // 2
    for shown in (
        f"{start}{'*' * 20}{end}", f"{start}...{end}", f"{start}…{end}", f"...{end}", f"{start}xxxxxxxxxx", f"{secret[:3]}••••{end}",
        secret[:middle], secret[middle:], secret[4:-4], secret[: 3 * len(secret) // 4], secret[3:23],
    ):  # fmt: skip
        message = scrubber.clean_text(f"Incorrect API key provided: {shown}. Wait... or ask.")
        assert message == "Incorrect API key provided: [key]. Wait... or ask.", shown


@pytest.mark.parametrize("key", ["EMPTY", "ollama", "sk-no-key-required", "none", "a", ""])
def test_a_placeholder_for_a_key_stays_in_a_conversation(key: str) -> None:
    body = (
        f'{{"content": "I set the key to {key}, as ollama and sk-no-key-required are EMPTY, none of a kind."}}'.encode()
    )
    assert Scrubber([key]).clean_body(body) == body
    assert b"".join(Scrubber([key]).clean_chunks([body])) == body


def test_a_conversation_about_keys_stays_as_it_is() -> None:
    body = f"Incorrect API key provided: sk-other****. {SHAPES[0][:12]} and sk-proj-**** and sk-proj-...9d41".encode()
    assert Scrubber(SHAPES[:3]).clean_body(body) == body


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ("https://desk.example.org", "See https://desk.example.org/faq or https://desk.example.com."),
        ("prompt-caching-2024-07-31", "We use prompt-caching here, and prompt-caching-2025-01-01."),
        ("application/vnd.desk+json", "It is sent as application/json or application/vnd.other."),
    ],
)
def test_a_header_with_plain_words_removes_none_of_them_from_a_conversation(value: str, body: str) -> None:
    scrubber = Scrubber([value])
    assert scrubber.clean_body(body.encode()) == b"".join(scrubber.clean_chunks([body.encode()])) == body.encode()
    assert scrubber.clean_text(f"{value} is unknown") == "[key] is unknown"


def test_a_short_key_with_a_digit_is_removed_from_errors() -> None:
    assert Scrubber(["gw-12345"]).clean_text("gw-12345 is unknown") == "[key] is unknown"
    assert Scrubber(["gw-12345"]).clean_text(f"Basic {b64encode(b'gw-12345').decode()}") == "Basic [key]U="
    assert Scrubber(["openai"]).clean_text("platform.openai.com is unknown") == "platform.openai.com is unknown"


def test_bytes_that_are_not_utf_8_are_unchanged() -> None:
    assert Scrubber([SHAPES[0]]).clean_error(b"\xff\xfe" + SHAPES[0].encode() + b"\x80") == b"\xff\xfe[key]\x80"


@pytest.mark.parametrize(
    "message",
    [
        "Incorrect API key provided: sk-canar**************5926. You can find", "provided: sk-canary-31415926.", "key sk-proj-31415926",
        "Bad key:****5926", "Invalid key '31415926**5926'",
    ],
)  # fmt: skip
def test_what_looks_like_a_key_is_removed_from_errors(message: str) -> None:
    assert "5926" not in without_keys(message)


def test_the_sentence_around_a_key_stays_a_sentence() -> None:
    message = (
        "Incorrect API key provided: sk-canar**************5926. You can find your key at https://platform.example."
    )
    assert (
        without_keys(message) == "Incorrect API key provided: [key]. You can find your key at https://platform.example."
    )


def read_problem(message: str) -> object:
    return problem_of(
        400, {"x-request-id": message}, json.dumps({"error": {"message": message, "type": message}}).encode()
    )


SECRET = "a-" * 20 + "7"
SCANNERS: list[Callable[[str], object]] = [
    without_keys, Scrubber([SECRET, *SHAPES]).clean_text, lambda message: Scrubber([SECRET]).clean_body(message.encode()), read_problem, read_error,
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("scan", SCANNERS, ids=range(len(SCANNERS)))
@pytest.mark.parametrize(
    "chunk", ["x", " ", ":", "*", "**", "* ", "**a ", "a-", ".", "...a-", "sk-", "-", "Chat completion with id ", " not found"]
)  # fmt: skip
def test_no_error_message_is_slow_to_scan(scan: Callable[[str], object], chunk: str) -> None:
    assert_linear(lambda size: scan((chunk * size)[:size] + "y"), 64_000)


@pytest.mark.parametrize("mask", ["*", "x", "X", "\\u2022", "a"])
def test_a_body_full_of_masked_prefixes_costs_little_more_than_any_other(mask: str) -> None:
    scrubber = Scrubber([SHAPES[2]])
    harmless, masked = (f"{start}-{mask * 97}".encode() * 10_000 for start in ("pk", "sk"))
    assert cost(lambda _: scrubber.clean_body(masked), 0) < 10 * cost(lambda _: scrubber.clean_body(harmless), 0) + 0.02


@pytest.mark.parametrize("bits", [slice(0, 9), slice(0, 15)])
def test_parts_of_a_long_secret_cost_little_more_than_those_of_a_short_one(bits: slice) -> None:
    long = "x1Y2z3W4" * 500
    text = f"{long[bits]}**" * 4_000
    short, same = Scrubber([long[:160]]), Scrubber([long])
    short.clean_text(""), same.clean_text("")
    assert cost(lambda _: same.clean_text(text), 0) < 10 * cost(lambda _: short.clean_text(text), 0)


def test_an_error_message_is_truncated_before_it_is_scanned() -> None:
    message = read_error(json.dumps({"error": {"message": "m" * 9_000, "code": "c" * 9_000}}).encode().decode())
    assert (len(message.message), len(message.code or "")) == (2_000, 2_000)
    assert len(read_error(json.dumps({"detail": "d" * 9_000})).message) == 2_000
