from __future__ import annotations

import json
import re
import sys

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from viewer.completions import source_text
from viewer.completions.source_text import (
    LENIENT,
    STRICT,
    Piece,
    clean,
    decode,
    first_items,
    items,
    member_sources,
    member_spans,
    members,
    pretty,
    to_object,
)

any_text = st.text(st.characters(exclude_categories=()), max_size=8)  # lone surrogates too
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(any_text, inner), max_leaves=8)
blanks = st.sampled_from(["", " ", "\n", "\t \r\n"])


def list_items(text: str, decoder: json.JSONDecoder = LENIENT) -> list[Piece]:
    return list(items(text, decoder))


@st.composite
def spaced_json(draw: st.DrawFn) -> str:
    """JSON with whitespace wherever it is allowed, and with escaped or plain letters."""
    colon, comma, before, after = (draw(blanks) for _ in range(4))
    escaped = draw(st.booleans())
    return before + json.dumps(draw(values), separators=(f"{comma},", f"{colon}: "), ensure_ascii=escaped) + after


@st.composite
def damaged_json(draw: st.DrawFn) -> str:
    """JSON with one character removed, added or replaced, mostly invalid."""
    text = draw(spaced_json())
    at = draw(st.integers(0, len(text)))
    put_in = draw(st.sampled_from(["", ",", ":", "{", "}", "[", "]", '"', "\\", "1", "-", " ", "\x00", "N"]))
    return text[:at] + put_in + text[at + draw(st.integers(0, 1)) :]


def read_exactly(text: str) -> object:
    """Parse and keep every digit and duplicate key, so that two texts can be compared."""
    return json.loads(
        text,
        parse_float=lambda digits: f"number {digits}",
        parse_int=lambda digits: f"number {digits}",
        object_pairs_hook=lambda pairs: ("object", pairs),
    )


def _without_lone_surrogates(text: str) -> str:
    """Replace lone surrogates in names and strings of JSON by U+FFFD."""
    strings = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
    return strings.sub(lambda found: json.dumps(clean(json.loads(found[0], strict=False))), text)


@pytest.mark.parametrize(
    "source",
    [
        "1.10",
        "1e400",
        "-0",
        "-0.0",
        "1E+2",
        "12345678901234567890",
        "9" * 5000,
        "true",
        "null",
        '"caf\\u00e9"',
        '"\\ud83d"',
        '"\\u0000"',
        '"\\/"',
        '{"a":1,"a":2}',
        "[ 1 , 2 ]",
        '{"b":1,"a":{"d":1.0,"c":2}}',
    ],
)
def test_a_value_keeps_its_source_text(source: str) -> None:
    ((_, in_object),) = members(f'{{ "value" : {source} }}')
    (in_list,) = items(f"[ {source} ]")
    assert in_object.source == in_list.source == source
    assert member_sources(f'{{ "first" :"", "value" : {source} , "last":[]}}') == [
        ("first", '""'),
        ("value", source),
        ("last", "[]"),
    ]


def test_a_duplicate_key_is_kept_twice_and_in_order() -> None:
    found = members('{"a":1,"b":2,"a":3}')
    assert [(name, piece.source) for name, piece in found] == [("a", "1"), ("b", "2"), ("a", "3")]


def test_more_digits_than_python_reads_stay_readable() -> None:
    assert decode("9" * 5000) == "9" * 5000


@pytest.mark.parametrize("decoder", [LENIENT, STRICT])
def test_numbers_are_read_without_a_call_for_each(decoder: json.JSONDecoder) -> None:
    """Each call may map memory, which costs far more than the call (findings/cpython_stack_boundary.sh)."""
    calls = []
    sys.setprofile(lambda frame, event, argument: calls.append(event) if event == "call" else None)
    try:
        decode(json.dumps([1, 2.5] * 1_000), decoder)
    finally:
        sys.setprofile(None)
    assert len(calls) < 100


@pytest.mark.parametrize("text", ["{}", " { } ", "\n{\t}\r\n"])
def test_an_empty_object_has_no_members(text: str) -> None:
    assert members(text) == []


@pytest.mark.parametrize("text", ["[]", " [ ] "])
def test_an_empty_list_has_no_items(text: str) -> None:
    assert list_items(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "null",
        "1",
        '"a"',
        "[]",
        "{",
        "}",
        "{]",
        '{"a"}',
        '{"a":}',
        '{"a":1,}',
        "{,}",
        '{"a":1}x',
        "{1:2}",
        '{"a" 1}',
        '{"a":1 "b":2}',
        "{'a':1}",
        "{} {}",
        "\ufeff{}",
    ],
)
def test_what_is_no_object_has_no_members(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        members(text)


@pytest.mark.parametrize("text", ["", "null", "{}", "[", "]", "[}", "[1,]", "[,]", "[1 2]", "[1]]", "[1],"])
def test_what_is_no_list_has_no_items(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        list_items(text)


@pytest.mark.slow
@given(st.dictionaries(any_text, values), blanks, st.booleans())
def test_members_agree_with_json_loads(written: dict[str, object], blank: str, escaped: bool) -> None:
    text = blank + json.dumps(written, separators=(f"{blank},{blank}", f"{blank}:{blank}"), ensure_ascii=escaped)
    found = members(text + blank)
    assert {name: piece.value for name, piece in found} == json.loads(text)
    assert {name: json.loads(piece.source) for name, piece in found} == json.loads(text)
    assert [name for name, _ in found] == list(json.loads(text))
    assert member_sources(text + blank) == [(name, piece.source) for name, piece in found]
    assert {name: text[slice(*place)] for name, place in member_spans(text).items()} == dict(member_sources(text))


@pytest.mark.slow
@given(st.lists(values), blanks)
def test_items_agree_with_json_loads(written: list[object], blank: str) -> None:
    text = json.dumps(written, separators=(f"{blank},{blank}", f"{blank}:"))
    found = list_items(blank + text + blank)
    assert [piece.value for piece in found] == [json.loads(piece.source) for piece in found] == written


@pytest.mark.slow
@given(st.lists(st.tuples(any_text, values)))
def test_an_object_survives_splitting_and_joining(pairs: list[tuple[str, object]]) -> None:
    written = [(name, json.dumps(value)) for name, value in pairs]
    again = members(to_object(written))
    assert [(name, piece.source) for name, piece in again] == written


@given(damaged_json() | st.text(max_size=20))
def test_exactly_what_json_loads_reads_is_read(text: str) -> None:
    try:
        value = LENIENT.decode(text)
    except ValueError:
        value = None
    for split, container in ((members, dict), (list_items, list)):
        if isinstance(value, container):
            assert len(split(text)) >= len(value)
        else:
            with pytest.raises(ValueError, match=r"."):
                split(text)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":['])
@pytest.mark.parametrize("split", [decode, members, list_items, lambda text: decode(text, STRICT)])
def test_nesting_without_end_is_an_error_and_no_crash(opening: str, split: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        split(opening * 100_000)  # type: ignore[operator]


def test_too_deep_values_keep_their_source_and_strict_refuses_them() -> None:
    deep = "[" * 100_000 + '"]"' + "]" * 100_000
    text = f'{{"a":{deep},"b":1}}'
    assert members(text) == [("a", Piece(deep, [])), ("b", Piece("1", 1))]
    with pytest.raises(ValueError, match="nested too deeply"):
        members(text, STRICT)
    with pytest.raises(ValueError, match="Unterminated"):
        members(text[:-10])


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_only_the_lenient_decoder_accepts_nan_and_infinity(constant: str) -> None:
    assert len(list_items(f"[{constant}]")) == 1
    with pytest.raises(ValueError, match=f"{constant} is not JSON"):
        list_items(f"[{constant}]", STRICT)


def test_pretty_indents_and_keeps_digits_order_and_duplicate_keys() -> None:
    text = '{"b":1.10,"a":[12345678901234567890,1e400,{}],"b":[],"c":{"d":"x, y: {z}"}}'
    assert pretty(text) == (
        '{\n  "b": 1.10,\n  "a": [\n    12345678901234567890,\n    1e400,\n    {}\n  ],\n  "b": [],\n'
        '  "c": {\n    "d": "x, y: {z}"\n  }\n}'
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('"caf\\u00e9"', '"café"'),
        ('"\\u4f60\\u597d"', '"你好"'),
        ('"\\ud83d\\ude00"', '"😀"'),
        ('"\\u0000"', '"\\u0000"'),
        ('"\\ud83d"', '"\ufffd"'),
        ('"\\\\u00e9"', '"\\\\u00e9"'),
        ('"\\n\\u0022"', '"\\n\\""'),
    ],
)
def test_pretty_shows_escaped_letters_as_letters(text: str, shown: str) -> None:
    assert pretty(text) == shown


@pytest.mark.parametrize(
    "text", ["", " ", "{", "NaN", "[NaN]", "01", "1.", "'a'", '{"a":1}}', '"\n"', "[1,]", "\ufeff1"]
)
def test_pretty_returns_none_for_other_text(text: str) -> None:
    assert pretty(text) is None


@given(spaced_json())
def test_pretty_has_the_same_value_as_its_source(text: str) -> None:
    shown = pretty(text)
    assert shown is not None
    assert read_exactly(shown) == read_exactly(_without_lone_surrogates(text))


@pytest.mark.slow
@given(st.lists(st.tuples(st.text(max_size=3), values), min_size=1))
def test_pretty_keeps_every_duplicate_key(pairs: list[tuple[str, object]]) -> None:
    text = to_object([(name, json.dumps(value)) for name, value in [*pairs, *pairs]])
    names = [name for name, _ in pairs] * 2
    assert [name for name, _ in members(pretty(text) or "")] == names


@pytest.mark.slow
@given(st.lists(st.dictionaries(any_text, values) | values), st.integers(0, 3))
@settings(max_examples=200)
def test_a_large_text_is_read_like_a_small_one(written: list[object], first: int) -> None:
    text = json.dumps({"before": written[:first], "list": written}, ensure_ascii=False)
    assume('"logprobs"' not in text)  # which the next test covers
    short = members(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_text, "_LARGE", 3)
        assert decode(text) == json.loads(text)
        assert members(text) == short
        assert {name: text[slice(*place)] for name, place in member_spans(text).items()} == {
            name: piece.source for name, piece in short
        }
        assert first_items(short[1][1]) == (list(items(short[1][1].source)), "")


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("[" + "1.5e3, " * 400 + "-2]", [0]),
        ('{"logprobs": {"content": [{"token": "]}", "bytes": [93]}]}, "b": 1}', {"logprobs": [0], "b": 1}),
        ('{"logprobs": null, "b": 1}', {"logprobs": None, "b": 1}),
        ('["' + "1, " * 400 + '", "\\"logprobs\\": [1]"]', ["1, " * 400, '"logprobs": [1]']),
        ("[" + "[1]," * 400 + "[]]", [[1]] * 400 + [[]]),
    ],
)
def test_values_of_a_large_text_that_nobody_reads_are_shortened(
    source: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_text, "_LARGE", 3)
    assert decode(source) == value
    assert members(f'{{"a": {source}}}') == [("a", Piece(source, value))]
    assert decode(source, STRICT) == json.loads(source)


@pytest.mark.parametrize("depth", [1, 5, 6, 7, 30, 5_000])
def test_a_container_ends_where_its_brackets_do(depth: int) -> None:
    text = '{"a]":[' * depth + '"\\"]}"' + "]}" * depth
    assert source_text._end_of_container(f"{text} ]", 0) == len(text)
    with pytest.raises(ValueError, match="Unterminated"):
        source_text._end_of_container(text[:-1], 0)


@given(damaged_json() | any_text)
def test_pretty_never_raises_and_returns_none_exactly_where_json_does(text: str) -> None:
    try:
        decode(text, STRICT)
    except ValueError:
        assert pretty(text) is None
    else:
        assert pretty(text) is not None


def test_pretty_does_not_blow_up_deep_nesting() -> None:
    text = "[" * 800 + "1" + "]" * 800
    assert len(pretty(text) or "") < 150_000
    deep = "[" * 100_000 + "]" * 100_000
    assert pretty(deep) == deep


@given(any_text)
def test_clean_text_can_be_encoded_and_loses_no_length(text: str) -> None:
    assert len(clean(text).encode().decode()) == len(text)


def test_clean_leaves_whole_letters_alone() -> None:
    assert clean("a\x00é😀\u202e") == "a\x00é😀\u202e"
    assert clean("a\ud83db") == "a\ufffdb"
