"""After redaction nothing holds what was redacted, in any place or spelling, and everything else is as it was."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from unicodedata import normalize
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import say
from tests.costs import assert_linear
from tests.redaction.corpus import LINES, NAMES, OWN_WORDS
from tests.shapes import CHOICES, PNG, SEEN, UNSEEN
from viewer.redaction.finding import KINDS, LIMITS, find_all
from viewer.redaction.redacting import Redactor

NAME = "Zoë Quentin-Marlow"
OWN = "Kestrel contract"
# What is planted, and by what one would find it again: letters and digits only.
SECRETS = {
    "lea.sommer@example.org": "leasommerexampleorg",
    "tom+x@mail.example.co.uk": "tomxmailexamplecouk",
    "+44 20 7946 0958": "442079460958",
    "+49 151 23456789": "4915123456789",
    "4111 1111 1111 1111": "4111111111111111",
    "DE89 3704 0044 0532 0130 00": "de89370400440532013000",
    "203.0.113.77": "203011377",
    "2001:db8::8a2e:370:7334": "2001db88a2e3707334",
    "sk-proj-Ab3dEf6hIj9kLm2nOp5q": "skprojab3def6hij9klm2nop5q",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345": "ghp0123456789abcdefghijabcdefghij012345",
    NAME: "zoequentinmarlow",
    OWN: "kestrelcontract",
}


def as_json_escapes(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in text)


def with_soft_hyphens(text: str) -> str:
    return "\u00ad".join(text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent": lambda text: quote(text, safe=""),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "all percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "HTML": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "HTML in hex": lambda text: re.sub(r"\W", lambda found: f"&#x{ord(found[0]):X};", text),
    "JSON escapes": as_json_escapes,
    "escapes of escapes": lambda text: as_json_escapes(text).replace("\\", "\\\\"),
    "Markdown escapes": lambda text: re.sub(r"([_.@+:-])", r"\\\1", text),
    "bold": lambda text: re.sub(r"([@. ])", r"**\1**", text),
    "code": lambda text: f"`{text}`",
    "tags": lambda text: re.sub(r"([@. ])", r"<b>\1</b>", text),
    "soft hyphens": with_soft_hyphens,
    "zero width": lambda text: text[:3] + "\u200b" + text[3:5] + "\ufeff" + text[5:],
    "NFD": lambda text: normalize("NFD", text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "JSON": lambda text: json.dumps({"a": [text, {text: 1}]}),
    "JSON in JSON": lambda text: json.dumps({"a": json.dumps({"b": text})}),
}
# In these nobody reads a key, which only works as it is.
WIDE = {
    "full width": lambda text: "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text),
    "Unicode hyphens and spaces": lambda text: text.replace("-", "\u2011").replace(" ", "\u00a0"),
    "capitals": str.upper,
}
AROUND = [
    ("", ""),
    ("see ", ", please"),
    ("(", ")"),
    ("\n", "\n"),
    ("“", "”"),
    ("電話 ", " です"),
    ("a\t", "\t1"),
    ("- ", ";"),
]


@st.composite
def planted(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a secret in one of its spellings, in a sentence or by itself."""
    secret = draw(st.sampled_from([*SECRETS]))
    spellings = SPELLINGS if secret.startswith(("sk-", "ghp_")) else SPELLINGS | WIDE
    name = draw(st.sampled_from([*spellings]))
    before, after = draw(st.sampled_from(AROUND))
    return secret, spellings[name](secret) if name.startswith("JSON") else before + spellings[name](secret) + after


def with_planted(value: Any, texts: Iterator[str]) -> Any:
    """Write a text for each X and S."""
    if isinstance(value, str):
        return next(texts) if value in "XS" and value else value
    if isinstance(value, list):
        return [with_planted(one, texts) for one in value]
    if isinstance(value, dict):
        return {with_planted(name, texts): with_planted(one, texts) for name, one in value.items()}
    return value


def strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for one in value.values():
            yield from strings_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings_in(one)
    elif value is not None:
        yield str(value)


def unescaped(text: str) -> Iterator[str]:
    """Yield what a text may mean: undone of escapes of any kind, again and again, and of base64."""
    for _ in range(4):
        yield text
        text = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), html.unescape(unquote(text)))
    for word in re.findall(r"[A-Za-z0-9+/]{8,}={0,2}", text):
        try:
            yield base64.b64decode(word + "=" * (-len(word) % 4)).decode()
        except ValueError:
            continue


def plain(text: str) -> str:
    text = normalize("NFKD", re.sub(r"</?b>", "", text)).casefold()
    return re.sub(r"[\W_]|[\u0300-\u036f\u200b\ufeff\u00ad]", "", text)


def shape(slot: int) -> Any:
    messages = [*(message for _, message in UNSEEN), *SEEN, {"choices": CHOICES}, {"metadata": {"a": "X", "X": "b"}}]
    return messages[slot % len(messages)]


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(planted(), min_size=1, max_size=4), st.integers(0, 200), st.integers(0, 200))
def test_no_secret_is_left_in_any_place_or_spelling(secrets: list[tuple[str, str]], first: int, second: int) -> None:
    def texts() -> Iterator[str]:
        while True:
            for _, text in secrets:
                yield text

    values = [with_planted(shape(slot), texts()) for slot in (first, second)]
    values.append(say("user", "; ".join(text for _, text in secrets)))
    findings = find_all(values, names=[NAME], own_words=[OWN])
    redactor = Redactor(findings)
    redacted = [redactor.value(value) for value in values]
    for text in strings_in(redacted):
        for meant in unescaped(text):
            for secret, _ in secrets:
                assert SECRETS[secret] not in plain(meant), (secret, text, findings)
    values_left = {(one.kind, one.value) for one in find_all(redacted, names=[NAME], own_words=[OWN])}
    assert not values_left & {(one.kind, one.value) for one in findings}
    assert json.loads(redactor.json(json.dumps(values))) == redacted


PIECES = st.sampled_from(
    ["İ", "ß", "ﬁ", "e\u0301", "\u200b", "%4", "%40", "\\u00", "\\", '"', "&#", "&amp;", "**", "<b>", "{", "[", "@", "+49 ", "0", "1.", ":",
     " ", "\n", "a", "Zoe", "sk-", "=40", " at ", "DE89", "4111", "日", "\ud83d", "data:a;base64,AA", "password: x1", "://a:b@", "[key 1]"]
)  # fmt: skip
ANY_TEXT = st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=150)
@given(ANY_JSON)
def test_any_json_stays_json_and_nothing_is_found_twice(value: Any) -> None:
    findings = find_all([value], names=[NAME], own_words=[OWN])
    redactor = Redactor(findings)
    redacted = redactor.value(value)
    assert json.loads(redactor.json(json.dumps(value))) is not None or value is None
    left = {(one.kind, one.value) for one in find_all([redacted], names=[NAME], own_words=[OWN])}
    assert not left & {(one.kind, one.value) for one in findings}
    assert Redactor([]).value(value) == value


def labels(*contents: Any, **given: Any) -> list[str]:
    """Redact messages with these contents, and give what is left of them."""
    messages = [say("user", content) for content in contents]
    redactor = Redactor(find_all(messages, **given))
    return [redactor.value(message)["content"] for message in messages]


def test_the_same_value_has_the_same_label_in_every_spelling() -> None:
    assert labels("+44 20 7946 0958, +442079460958, 020 7946 0958, 0044 (0)20 79460958") == [
        "[phone 1], " * 3 + "[phone 1]"
    ]
    assert labels("Jane@Example.com", "jane@example.com", "JANE%40EXAMPLE.COM") == ["[email 1]"] * 3
    assert labels("DE89 3704 0044 0532 0130 00 de89370400440532013000") == ["[iban 1] [iban 1]"]
    assert labels("2001:db8::1 2001:0DB8:0:0::1") == ["[ip 1] [ip 1]"]
    assert labels("Zoë, zoe and ZOËs; Quentin", names=[NAME]) == ["[name 1], [name 1] and [name 1]s; [name 1]"]


def test_labels_count_from_the_first_place() -> None:
    assert labels("b@x.example", "a@x.example b@x.example") == ["[email 1]", "[email 2] [email 1]"]
    assert [one.label for one in find_all([{"a@x.example": "c@x.example"}])] == ["[email 1]", "[email 2]"]


def test_a_number_is_known_where_nothing_says_what_it_is() -> None:
    assert labels("Tel. 4155550", "ref 4155550") == ["Tel. [phone 1]", "ref [phone 1]"]
    assert labels("UK: +44 7700 900123", "07700 900123") == ["UK: [phone 1]", "[phone 1]"]
    assert labels("password: tulip-9", "he typed tulip-9 twice") == ["password: [key 1]", "he typed [key 1] twice"]


def test_a_locale_in_the_metadata_says_which_country_a_number_is_of() -> None:
    def first(locale: str) -> str:
        return find_all([{"metadata": {"locale": locale}}, say("user", "Ring 044 668 18 00")])[0].value

    assert first("de-CH") == "+41446681800"
    assert first("de-DE") == "+49446681800"


NAMES_IN_TEXTS = [
    ("佐藤 健", "佐藤健さん、佐藤様。健康", "[name 1]さん、[name 1]様。健康"),
    ("محمد الفارسي", "السيد محمد الفارسي، يا مُحَمَّد", "السيد [name 1]، يا [name 1]"),
    ("Иван Петров", "У Ивана Петрова", "У [name 1]а [name 1]а"),
    ("O'Brien, Siobhán", "Siobhan O’Brien's, obrien", "[name 1] [name 1]'s, [name 1]"),
    ("Dr. Max von der Heide", "Herr von der Heide, von der Post", "Herr von der [name 1], von der Post"),
    ("Anna-Lena Strauß", "Annas AnnaLenaStrauss, STRAUSS, Hannah", "[name 1]s [name 1], [name 1], Hannah"),
    ("jane.doe@example.com", "Jane Doe, janedoe", "[name 1], [name 1]"),
    ("cus_20933", "CUS_20933 cus 20933", "[name 1] cus 20933"),
    ("Jo Li", "Jo, Li's job list, joli", "[name 1], [name 1]'s job list, joli"),
]


@pytest.mark.parametrize(("name", "text", "left"), NAMES_IN_TEXTS)
def test_a_name_is_found_in_its_parts_and_forms_and_not_in_other_words(name: str, text: str, left: str) -> None:
    assert labels(text, names=[name]) == [left]


def test_only_what_was_chosen_is_replaced() -> None:
    message = say("user", "Zoë, zoe@example.com, 203.0.113.7")
    findings = find_all([message], names=[NAME])
    chosen = [one for one in findings if one.kind != "email"]
    assert Redactor(chosen).value(message)["content"] == "[name 1], [name 1]@example.com, [ip 1]"
    assert Redactor([]).value(message) == message


def test_a_name_that_is_also_a_word_can_be_kept() -> None:
    findings = find_all([say("user", "Will Marlow: Will you call? I will.")], names=["Will Marlow"])
    assert [(one.text, one.label, one.count) for one in findings] == [
        ("Will Marlow", "[name 1]", 1),
        ("Will", "[name 2]", 1),
    ]
    redacted = Redactor(findings[:1]).text("Will Marlow: Will you call? Ms Marlow?")
    assert redacted == "[name 1]: Will you call? Ms [name 1]?"


def test_what_is_not_replaced_stays_as_written() -> None:
    source = (
        '{"a": 1.10, "b":1e400,\n "a": "caf\\u00e9 a@x.example", "seed": 7796534951439703027, "n": -0.0, "s": "\\/"}'
    )
    redactor = Redactor(find_all([json.loads(source)]))
    assert redactor.json(source) == source.replace("a@x.example", "[email 1]")
    value = {"temperature": 1.0, "seed": 7796534951439703027, "none": None, "list": [True, 1e300], "a@x.example": ""}
    assert json.dumps(redactor.value(value)) == json.dumps(value).replace("a@x.example", "[email 1]")


def test_json_in_a_string_stays_json() -> None:
    arguments = '{"to":"a\\u0040x.example","card":4111111111111111,"note":"one\\nb@x.example \\"c@x.example\\""}'
    (redacted,) = labels(arguments)
    assert redacted == '{"to":"[email 1]","card":"[card 1]","note":"one\\n[email 2] \\"[email 3]\\""}'
    assert json.loads(redacted)["note"] == 'one\n[email 2] "[email 3]"'
    assert labels('{"to":"a@x.example","broken')[0] == '{"to":"[email 1]","broken'


def test_a_number_of_json_is_told_by_its_field() -> None:
    value = {
        "phone": 2125550123,
        "order": 2125550124,
        "card": 4111111111111111,
        "seed": 7796534951439703027,
        "n": 1795171897,
    }
    redacted = Redactor(find_all([value])).value(value)
    assert redacted == value | {"phone": "[phone 1]", "card": "[card 1]"}


def test_a_url_stays_one_word() -> None:
    text = "[a](https://x.example/?m=a%40x.example&n=1) [b](mailto:a@x.example) a@x.example"
    label = "%5Bemail%201%5D"
    assert labels(text) == [f"[a](https://x.example/?m={label}&n=1) [b](mailto:{label}) [email 1]"]


def test_citations_move_with_their_text() -> None:
    text = "Ask lea.sommer@example.org ([a](https://x.example/a)) or tom@x.example ([b](https://x.example/b))."
    marks = ["([a](https://x.example/a))", "([b](https://x.example/b))"]
    places = [{"start_index": text.index(mark), "end_index": text.index(mark) + len(mark)} for mark in marks]
    annotations = [{"type": "url_citation", "url_citation": places[0]}, {"type": "url_citation", **places[1]}]
    part = {"type": "text", "text": text, "annotations": annotations}
    for value in (say("assistant", text, annotations=annotations), say("assistant", [part])):
        redacted = Redactor(find_all([value])).value(value)
        holder = redacted if isinstance(redacted["content"], str) else redacted["content"][0]
        left = holder.get("text") or holder["content"]
        assert left.startswith("Ask [email 1] ([a]")
        first, second = holder["annotations"][0]["url_citation"], holder["annotations"][1]
        assert [left[one["start_index"] : one["end_index"]] for one in (first, second)] == marks


def test_fields_that_become_the_same_are_all_kept() -> None:
    value = {"a@x.example": 1, "A@x.example": 2}
    assert Redactor(find_all([value])).value(value) == {"[email 1]": 1, "[email 1] (2)": 2}


def test_log_probabilities_do_not_repeat_what_was_replaced() -> None:
    tokens = {"content": [{"token": "a", "top_logprobs": []}, {"token": "@x"}, {"token": "]}.example"}]}
    value = {"message": {"content": "a@x.example"}, "logprobs": tokens, "index": 0}
    assert Redactor(find_all([value])).value(value) == {
        "message": {"content": "[email 1]"},
        "logprobs": None,
        "index": 0,
    }
    assert Redactor([]).value(value) == value
    assert find_all([{"logprobs": {"content": [{"token": "b@x.example"}]}}]) == ()


def test_a_finding_shows_places_with_what_is_around_them() -> None:
    (finding,) = find_all([say("user", f"{'long ' * 20}to a@x.example now"), *[say("user", "A@x.example")] * 5])
    assert (finding.kind, finding.text, finding.label, finding.count) == ("email", "a@x.example", "[email 1]", 6)
    assert finding.examples[0] == ("…" + ("long " * 20)[-37:] + "to ", "a@x.example", " now")
    assert len(finding.examples) == 3


def test_a_text_and_its_parts_count_once() -> None:
    part = {"type": "text", "text": "a@x.example"}
    assert find_all([say("user", "a@x.example a@x.example", content_parts=[part, part])])[0].count == 2


def test_base64_of_media_is_not_searched() -> None:
    data = base64.b64encode(b"Zoe " * 400).decode()
    parts = [
        {"type": "input_audio", "input_audio": {"data": data}},
        {"type": "file", "file": {"file_data": data[:100]}},
    ]
    message = say("user", f"![a](data:image/png;base64,{data}) Zoë", content_parts=parts)
    findings = find_all([message], names=[NAME])
    assert [one.count for one in findings] == [1]
    redacted = Redactor(findings).value(message)
    assert redacted["content"] == f"![a](data:image/png;base64,{data}) [name 1]"
    assert redacted["content_parts"] == parts


MEDIA = [
    ([{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}], [{"type": "text", "text": "[picture left out]"}]),
    ([{"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}], [{"type": "text", "text": "[picture left out]"}]),
    ([{"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}], [{"type": "text", "text": "[sound left out]"}]),
    ([{"type": "file", "file": {"filename": "a.pdf", "file_data": "JVBERi0="}}], [{"type": "text", "text": "[file left out] a.pdf"}]),
    ([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}], [{"type": "text", "text": "[picture left out]"}]),
    ([{"inlineData": {"mimeType": "image/png", "data": PNG}}], [{"type": "text", "text": "[picture left out]"}]),
    (f"See ![plan](data:image/png;base64,{PNG}) here", "See plan [picture left out] here"),
    ([{"type": "text", "text": "kept"}], [{"type": "text", "text": "kept"}]),
    (json.dumps([{"type": "image", "data": PNG, "mimeType": "image/png"}]), '[{"type": "text", "text": "[picture left out]"}]'),
]  # fmt: skip


@pytest.mark.parametrize(("content", "left"), MEDIA)
def test_media_can_be_left_out(content: Any, left: Any) -> None:
    assert Redactor([], without_media=True).value(say("user", content)) == say("user", left)
    assert Redactor([]).value(say("user", content)) == say("user", content)


def test_a_transcript_stays_without_the_sound() -> None:
    message = say("assistant", None, audio={"id": "a", "data": PNG, "transcript": "Hello"}, images=[PNG])
    redacted = Redactor([], without_media=True).value(message)
    assert redacted["audio"] == {"id": "a", "transcript": "Hello"}
    assert PNG not in json.dumps(redacted)


def test_every_kind_and_limit_has_words() -> None:
    assert {kind for _, wanted in LINES for kind, _ in wanted} == {*KINDS}
    assert all(LIMITS)


HEAVY = [
    "a", "1", "a@", "@a.", "1 ", "0 ", "+1", "(1", "1.", ":", "a:", "::", "\\u0040", "%40", "&#64;", "**", "<b>", "DE89", "4111 ",
    "sk-", "eyJ.", "password: ", "://a:", "data:", "base64,", "{", "日", "é", "\u00ad", "Zoë ", "zoe", "Abc", "-----BEGIN PRIVATE KEY-----",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("piece", HEAVY)
def test_time_grows_in_line_with_the_text(piece: str) -> None:
    def run(size: int) -> None:
        message = say("user", f"!? {piece * (size // len(piece))}")
        Redactor(find_all([message], names=[NAME], own_words=[OWN])).value(message)

    assert_linear(run, 100_000)


def test_the_corpus_comes_out_without_what_must_be_found() -> None:
    messages = [say("user", line) for line, _ in LINES]
    redactor = Redactor(find_all(messages, names=NAMES, own_words=OWN_WORDS))
    redacted = [redactor.value(message) for message in messages]
    assert find_all(redacted, names=NAMES, own_words=OWN_WORDS) == ()
