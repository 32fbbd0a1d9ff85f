from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import make_completion, make_long, say
from viewer.archive.api import completion_of, respond
from viewer.archive.importing import import_lines
from viewer.archive.models import MessagePack

Store = Callable[..., Any]
pytestmark = pytest.mark.django_db

MESSAGES = "/chat/completions/chatcmpl-one/messages"
LIST = "/chat/completions"


def ask(path: str, **query: Any) -> dict[str, Any]:
    answered = respond(path, urlencode(query))
    assert answered.status == 200, answered.body
    return json.loads(answered.body)


def ids(path: str, **query: Any) -> list[str]:
    return [item["id"] for item in ask(path, **query)["data"]]


def refusal(path: str, query: str = "") -> tuple[int, dict[str, Any]]:
    """Return the status and the body of an error response, with its keys in order."""
    answered = respond(path, query)
    body = json.loads(answered.body)
    assert list(body) == ["error"]
    assert list(body["error"]) == ["message", "type", "param", "code"]
    return answered.status, body["error"]


def error(message: str, param: str | None, code: str | None) -> dict[str, Any]:
    return {"message": message, "type": "invalid_request_error", "param": param, "code": code}


def walk(path: str, **query: Any) -> Iterator[list[str]]:
    """Page by the id of the last item until there is no more, as the official clients do."""
    for _ in range(10_000):
        page = ask(path, **query)
        found = [item["id"] for item in page["data"]]
        assert (page["first_id"], page["last_id"]) == ((found[0], found[-1]) if found else (None, None))
        yield found
        if not page["has_more"]:
            return
        query["after"] = found[-1]
    raise AssertionError("paging does not end")


def walk_all(path: str, **query: Any) -> list[str]:
    return [item for page in walk(path, **query) for item in page]


def import_text(*lines: str) -> None:
    statuses = [outcome.status for outcome in import_lines(line.encode() for line in lines)]
    assert statuses == ["imported"] * len(lines)


@contextmanager
def sql() -> Iterator[list[str]]:
    statements: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield statements
    statements += [query["sql"] for query in captured.captured_queries]


def plan_of(statement: str) -> str:
    """Return SQLite's query plan; on other databases only the number of queries is checked."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + statement.replace("%", "%%"), ())
        return "\n".join(row[3] for row in cursor.fetchall())


def cost_of(path: str, **query: Any) -> int:
    """Count the steps of SQLite's virtual machine, in hundreds; on other databases the queries."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    if connection.vendor != "sqlite":
        with sql() as statements:
            ask(path, **query)
        return len(statements)
    connection.ensure_connection()
    connection.connection.set_progress_handler(step, 100)
    try:
        ask(path, **query)
    finally:
        connection.connection.set_progress_handler(None, 0)
    return steps


# Shape of a page


def test_a_page_of_messages_is_a_list_with_first_and_last_id(stored: Store) -> None:
    stored(make_completion("chatcmpl-one", say("user", "hi", refusal=None), say("assistant", "hello", refusal=None)))
    assert ask(MESSAGES) == {
        "object": "list",
        "data": [
            {"id": "chatcmpl-one-0", **say("user", "hi", refusal=None)},
            {"id": "chatcmpl-one-1", **say("assistant", "hello", refusal=None)},
        ],
        "first_id": "chatcmpl-one-0",
        "last_id": "chatcmpl-one-1",
        "has_more": False,
    }


def test_a_body_is_compact_and_its_keys_stand_as_openai_sends_them(stored: Store) -> None:
    stored(make_completion("chatcmpl-one"))
    assert respond(MESSAGES).body == b'{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}'


def test_an_empty_archive_is_an_empty_list() -> None:
    assert ask(LIST) == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


def test_behind_the_last_item_is_an_empty_page_with_null_ids(stored: Store) -> None:
    stored(make_long("chatcmpl-one", 3))
    empty = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    assert ask(MESSAGES, after="chatcmpl-one-2") == empty
    assert ask(MESSAGES, after="chatcmpl-one-0", order="desc") == empty
    assert ask(LIST, after="chatcmpl-one") == empty


def test_a_completion_is_answered_without_its_messages(stored: Store) -> None:
    completion = make_completion("chatcmpl-one", say("user", "hi"))
    stored(completion)
    del completion["messages"]
    assert ask("/chat/completions/chatcmpl-one") == completion
    assert ask(LIST)["data"] == [completion]


# Limits and orders


def test_messages_come_oldest_first_twenty_a_page(stored: Store) -> None:
    stored(make_long("chatcmpl-one", 21))
    assert ids(MESSAGES) == [f"chatcmpl-one-{n}" for n in range(20)]
    assert ask(MESSAGES)["has_more"] is True


def test_completions_come_newest_first_twenty_a_page(stored: Store) -> None:
    stored(*(make_completion(f"c-{n}", created=1_762_000_000 + n) for n in range(21)))
    assert ids(LIST) == [f"c-{n}" for n in range(20, 0, -1)]
    assert ask(LIST)["has_more"] is True
    assert ids(LIST, order="asc") == [f"c-{n}" for n in range(20)]


@pytest.mark.parametrize("limit", [1, 2, 19, 20, 21, 99, 100])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_limit_from_1_to_100_is_kept_exactly(stored: Store, limit: int, order: str) -> None:
    stored(make_long("chatcmpl-one", 101))
    expected = [f"chatcmpl-one-{n}" for n in range(101)]
    expected = expected if order == "asc" else expected[::-1]
    assert ids(MESSAGES, limit=limit, order=order) == expected[:limit]
    assert ask(MESSAGES, limit=limit, order=order)["has_more"] is True


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_page_that_fits_exactly_is_the_last(stored: Store, order: str) -> None:
    stored(make_long("chatcmpl-one", 20))
    assert ask(MESSAGES, order=order)["has_more"] is False
    assert ask(MESSAGES, order=order, limit=19)["has_more"] is True


@pytest.mark.parametrize("given", ["001", "0100", "0" * 200 + "7", "0" * 6000 + "5"])
def test_leading_zeros_are_a_number(stored: Store, given: str) -> None:
    stored(make_long("chatcmpl-one", 101))
    assert len(ids(MESSAGES, limit=given)) == int(given.lstrip("0"))


@pytest.mark.parametrize("path", [LIST, MESSAGES])
@pytest.mark.parametrize(
    ("given", "message", "code"),
    [
        (
            "0",
            "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 instead.",
            "integer_below_min_value",
        ),
        (
            "-1",
            "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got -1 instead.",
            "integer_below_min_value",
        ),
        (
            "101",
            "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got 101 instead.",
            "integer_above_max_value",
        ),
        (
            "9999999999999999",
            "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got 9999999999999999 instead.",
            "integer_above_max_value",
        ),
        ("ten", "Invalid type for 'limit': expected an integer, but got 'ten' instead.", "invalid_type"),
    ],
)
def test_a_limit_out_of_bounds_is_refused_in_openais_words(
    stored: Store, path: str, given: str, message: str, code: str
) -> None:
    stored(make_completion("chatcmpl-one"))
    assert refusal(path, f"limit={given}") == (400, error(message, "limit", code))


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        "1.0",
        "1e1",
        "0x10",
        "١٠",
        "１０",
        "²",
        "1_0",
        "+5",
        " 5",
        "5 ",
        "5\n",
        "5\x00",
        "--5",
        "-",
        "null",
        "5,6",
        "NaN",
    ],
)
def test_a_limit_that_is_no_plain_number_is_of_the_wrong_type(stored: Store, given: str) -> None:
    stored(make_completion("chatcmpl-one"))
    status, said = refusal(MESSAGES, urlencode({"limit": given}))
    assert (status, said["param"], said["code"]) == (400, "limit", "invalid_type")


@pytest.mark.parametrize("given", ["9" * 100_000, "-" + "9" * 100_000, "0" * 100_000, "x" * 100_000])
def test_a_limit_without_end_is_refused_in_a_short_answer(stored: Store, given: str) -> None:
    stored(make_completion("chatcmpl-one"))
    status, said = refusal(MESSAGES, f"limit={given}")
    assert (status, said["param"]) == (400, "limit")
    assert len(said["message"]) < 1000


@pytest.mark.parametrize("path", [LIST, MESSAGES])
@pytest.mark.parametrize("given", ["up", "ASC", "", "asc ", "asc\x00", "descending"])
def test_an_unknown_order_is_refused_and_named(stored: Store, path: str, given: str) -> None:
    stored(make_completion("chatcmpl-one"))
    message = f"Invalid value: '{given}'. Supported values are: 'asc' and 'desc'."
    assert refusal(path, urlencode({"order": given})) == (400, error(message, "order", "invalid_value"))


# After


@pytest.mark.parametrize(
    ("order", "after", "expected"),
    [
        ("asc", 2, [3, 4]),
        ("desc", 2, [1, 0]),
        ("asc", 4, []),
        ("desc", 0, []),
        ("asc", 0, [1, 2, 3, 4]),
        ("desc", 4, [3, 2, 1, 0]),
    ],
)
def test_after_is_exclusive_in_the_order_asked_for(stored: Store, order: str, after: int, expected: list[int]) -> None:
    stored(make_long("chatcmpl-one", 5))
    assert ids(MESSAGES, order=order, after=f"chatcmpl-one-{after}") == [f"chatcmpl-one-{n}" for n in expected]


@pytest.mark.parametrize(("order", "expected"), [("asc", ["c-3", "c-4"]), ("desc", ["c-1", "c-0"])])
def test_after_is_exclusive_in_the_list_too(stored: Store, order: str, expected: list[str]) -> None:
    stored(*(make_completion(f"c-{n}", created=1_762_000_000 + n) for n in range(5)))
    assert ids(LIST, order=order, after="c-2") == expected


def test_an_unknown_cursor_is_refused_and_named(stored: Store) -> None:
    stored(make_long("chatcmpl-one", 3))
    message = "Invalid 'after': no message of this completion has the id 'nope'."
    assert refusal(MESSAGES, "after=nope") == (400, error(message, "after", "invalid_value"))
    message = "Invalid 'after': no stored completion has the id 'nope'."
    assert refusal(LIST, "after=nope") == (400, error(message, "after", "invalid_value"))


@pytest.mark.parametrize("path", [LIST, MESSAGES])
def test_an_empty_cursor_is_refused_and_does_not_start_again(stored: Store, path: str) -> None:
    stored(make_long("chatcmpl-one", 3))
    message = "Invalid 'after': expected the id of an item, but got an empty string."
    assert refusal(path, "after=") == (400, error(message, "after", "invalid_value"))


@pytest.mark.parametrize(
    "after",
    [
        "chatcmpl-two-1",
        "chatcmpl-one",
        "0",
        "CHATCMPL-ONE-1",
        "chatcmpl-one-1 ",
        "chatcmpl-one-01",
        "%",
        "_",
        "x" * 10_000,
        "\x00",
    ],
)
def test_only_a_message_of_this_very_completion_is_a_cursor(stored: Store, after: str) -> None:
    stored(make_long("chatcmpl-one", 3), make_long("chatcmpl-two", 3))
    status, said = refusal(MESSAGES, urlencode({"after": after}))
    assert (status, said["param"], said["code"]) == (400, "after", "invalid_value")
    assert len(said["message"]) < 500


def test_the_same_message_id_in_two_completions_is_two_cursors(stored: Store) -> None:
    first = make_completion("one", *({"id": f"m{n}", **say("user", "1")} for n in (1, 2, 3)))
    second = make_completion("two", *({"id": f"m{n}", **say("user", "2")} for n in (3, 2, 1)))
    stored(first, second)
    assert ids("/chat/completions/one/messages", after="m2") == ["m3"]
    assert ids("/chat/completions/two/messages", after="m2") == ["m1"]


def test_a_cursor_of_any_letters_is_found(stored: Store) -> None:
    odd = ["é", "日本-1", "a&b=c", "a+b", "a;b", "[0]", "..a", "😀", "'\"--", "a:b@c", "x" * 255]
    stored(make_completion("chatcmpl-one", *({"id": name, **say("user", name)} for name in odd)))
    assert walk_all(MESSAGES, limit=1) == odd
    assert walk_all(MESSAGES, limit=1, order="desc") == odd[::-1]


# Not found


@pytest.mark.parametrize("tail", ["", "/messages"])
@pytest.mark.parametrize(
    "completion_id",
    ["nope", "chatcmpl-one-0", "CHATCMPL-ONE", "a/b", "..", "é", "%", "%41", "a\x00b", "a\nb", "chatcmpl_one", "?"],
)
def test_an_unknown_completion_is_not_found_in_openais_words(stored: Store, completion_id: str, tail: str) -> None:
    stored(make_long("chatcmpl-one", 3))
    message = f"Completion {completion_id} not found"
    found = refusal(f"/chat/completions/{quote(completion_id, safe='')}{tail}")
    assert found == (404, error(message, "completion_id", "not_found"))


def test_the_404_is_byte_for_byte_openais() -> None:
    assert respond("/chat/completions/chatcmpl-x").body == (
        b'{\n  "error": {\n    "message": "Completion chatcmpl-x not found",\n    "type": "invalid_request_error",\n'
        b'    "param": "completion_id",\n    "code": "not_found"\n  }\n}'
    )


def test_an_unknown_completion_is_named_before_a_bad_cursor() -> None:
    status, said = refusal("/chat/completions/nope/messages", "after=nope")
    assert (status, said["code"]) == (404, "not_found")


def test_an_id_of_ten_thousand_letters_is_answered_shortly() -> None:
    status, said = refusal("/chat/completions/" + "x" * 10_000)
    assert status == 404
    assert len(said["message"]) < 500


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/chat",
        "/chat/completions/",
        "/chat/completions/a/b",
        "/chat/completions//messages",
        "/chat/completions/a/messages/",
        "/chat/completions/a/messages/b",
        "/models",
        "/chat/completions\n",
    ],
)
def test_any_other_address_is_an_invalid_url(path: str) -> None:
    assert refusal(path) == (404, error(f"Invalid URL (GET /v1{path})", None, None))


# Filters


def test_the_model_narrows_the_list(stored: Store) -> None:
    stored(*(make_completion(f"c-{model}", model=model) for model in ("gpt-4.1", "gpt-4.1-mini", "GPT-4.1")))
    assert ids(LIST, model="gpt-4.1") == ["c-gpt-4.1"]
    assert ids(LIST, model="gpt-4") == []
    assert ids(LIST, model="gpt%") == []


def test_several_metadata_filters_must_all_match(stored: Store) -> None:
    stored(
        make_completion("both", metadata={"team": "red", "shift": "late"}),
        make_completion("one", metadata={"team": "red", "shift": "early"}),
        make_completion("crossed", metadata={"team": "late", "shift": "red"}),
        make_completion("none"),
    )
    assert ids(LIST, **{"metadata[team]": "red"}) == ["one", "both"]
    assert ids(LIST, **{"metadata[team]": "red", "metadata[shift]": "late"}) == ["both"]
    assert ids(LIST, **{"metadata[team]": "red", "metadata[shift]": "red"}) == []
    assert ids(LIST, model="gpt-4.1", **{"metadata[team]": "red", "metadata[shift]": "early"}) == ["one"]
    assert ids(LIST, model="other", **{"metadata[team]": "red"}) == []


ODD_TEXTS = [
    "a b",
    "a+b",
    "a&b=c",
    "a%20b",
    "[x]",
    "a]b[c",
    "é",
    "e\u0301",
    "日本語",
    "😀",
    "'; DROP TABLE x; --",
    '"',
    "\\",
    "%",
    "_",
    "a#b?c",
    " x ",
    "x\ty\nz",
    "\u202e",
    "metadata[k]",
    "a;b",
    "a,b",
    "\x00",
    "a\x00b",
    "v" * 64,
]


@pytest.mark.parametrize("odd", ODD_TEXTS)
def test_metadata_of_any_letters_is_matched_exactly(stored: Store, odd: str) -> None:
    stored(
        make_completion("value", metadata={"key": odd}),
        make_completion("key", metadata={odd: "value"}),
        make_completion("other", metadata={"key": odd + "x", odd + "x": "value"}),
    )
    assert ids(LIST, **{"metadata[key]": odd}) == ["value"]
    assert ids(LIST, **{f"metadata[{odd}]": "value"}) == ["key"]


def test_an_empty_value_and_an_empty_key_are_matched_exactly(stored: Store) -> None:
    stored(
        make_completion("value", metadata={"key": ""}),
        make_completion("key", metadata={"": "x"}),
        make_completion("no"),
    )
    assert ids(LIST, **{"metadata[key]": ""}) == ["value"]
    assert ids(LIST, **{"metadata[]": "x"}) == ["key"]


def test_metadata_matches_whole_values_in_their_own_case(stored: Store) -> None:
    stored(make_completion("c", metadata={"Key": "Value"}))
    assert [ids(LIST, **{f"metadata[{k}]": v}) for k, v in [("key", "Value"), ("Key", "value"), ("Key", "Val")]] == [
        [],
        [],
        [],
    ]


def test_long_models_and_metadata_are_found_by_themselves(stored: Store) -> None:
    stored(make_completion("c", model="m" * 300, metadata={"k" * 300: "v" * 5000}))
    assert ids(LIST, model="m" * 300) == ["c"]
    assert ids(LIST, **{"metadata[" + "k" * 300 + "]": "v" * 5000}) == ["c"]


def test_metadata_that_does_not_compress_fits_into_the_index(stored: Store) -> None:
    value = "".join(chr(0x20000 + n * 37 % 40_000) for n in range(2_000))
    stored(make_completion("c", metadata={value[:255]: value}))
    assert ids(LIST, **{f"metadata[{value[:255]}]": value}) == ["c"]


def test_metadata_that_is_no_text_is_found_as_it_is_written() -> None:
    import_text('{"id":"c","metadata":{"price":1.10,"ok":true,"tags":["a","b"]},"messages":[]}')
    assert ids(LIST, **{"metadata[price]": "1.10"}) == ["c"]
    assert ids(LIST, **{"metadata[ok]": "true"}) == ["c"]
    assert ids(LIST, **{"metadata[tags]": '["a","b"]'}) == ["c"]


@pytest.mark.parametrize("count", [16, 70, 300])
def test_any_number_of_metadata_filters_is_answered(stored: Store, count: int) -> None:
    stored(make_completion("c", metadata={f"k{n}": "v" for n in range(count)}))
    answered = respond(LIST, "&".join(f"metadata[k{n}]=v" for n in range(count)))
    if count <= 16:  # what a completion can hold at OpenAI
        assert [item["id"] for item in json.loads(answered.body)["data"]] == ["c"]
    else:
        assert answered.status in (200, 400)


@pytest.mark.parametrize(
    "query",
    [
        "metadata",
        "metadata=x",
        "metadata[",
        "metadata[=x",
        "metadata]=x",
        "foo=bar",
        "&&&",
        "=",
        "=x",
        "%",
        "%zz=%zz",
        "%ff=%ff",
        "a=%00",
        "%00=a",
        "limit",
        "\ud800=x",
        "metadata%5Bk%5D",
        "?limit=1",
    ],
)
def test_a_query_that_means_nothing_breaks_nothing(stored: Store, query: str) -> None:
    stored(make_completion("c"))
    assert respond(LIST, query).status in (200, 400)
    assert respond("/chat/completions/c/messages", query).status in (200, 400)


@pytest.mark.parametrize(
    "query", ["limit=1&limit=2", "order=asc&order=desc", "after=c-0&after=c-1", "model=a&model=b", "limit=x&limit=1"]
)
def test_a_parameter_that_stands_twice_breaks_nothing(stored: Store, query: str) -> None:
    stored(*(make_completion(f"c-{n}", created=n) for n in range(5)))
    assert respond(LIST, query).status in (200, 400)


# Walking through all pages


@pytest.mark.parametrize("limit", [1, 7, 100])
@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize(
    "narrowed", [{}, {"model": "even"}, {"metadata[third]": "yes"}, {"model": "even", "metadata[third]": "yes"}]
)
def test_every_completion_is_listed_once_although_many_share_a_second(
    stored: Store, order: str, limit: int, narrowed: dict[str, str]
) -> None:
    completions = [
        make_completion(
            f"c-{n}",
            created=1_762_000_000 + n // 10,
            model="odd" if n % 2 else "even",
            metadata={"third": "no" if n % 3 else "yes"},
        )
        for n in range(60)
    ]
    stored(*completions)
    expected = [
        f"c-{n}"
        for n in range(60)
        if ("model" not in narrowed or n % 2 == 0) and ("metadata[third]" not in narrowed or n % 3 == 0)
    ]
    found = walk_all(LIST, order=order, limit=limit, **narrowed)
    assert found == (expected if order == "asc" else expected[::-1])


def test_a_completion_older_than_its_row_stands_where_its_time_says(stored: Store) -> None:
    stored(*(make_completion(f"c-{n}", created=1_000 - n) for n in range(9)))
    assert walk_all(LIST, limit=2) == [f"c-{n}" for n in range(9)]
    assert walk_all(LIST, limit=2, order="asc") == [f"c-{n}" for n in range(8, -1, -1)]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_cursor_outside_the_filter_goes_on_at_its_place(stored: Store, order: str) -> None:
    stored(*(make_completion(f"c-{n}", created=n, model="a" if n % 2 else "b") for n in range(6)))
    assert ids(LIST, order=order, after="c-2", model="a") == (["c-3", "c-5"] if order == "asc" else ["c-1"])


@pytest.mark.parametrize("limit", [1, 3, 20, 100])
def test_the_pages_of_a_conversation_fit_together_in_both_orders(stored: Store, limit: int) -> None:
    stored(make_long("chatcmpl-one", 62, prefix="msg_"), make_long("chatcmpl-other", 5))
    written = [message["id"] for message in make_long("chatcmpl-one", 62, prefix="msg_")["messages"]]
    assert walk_all(MESSAGES, limit=limit) == written
    assert walk_all(MESSAGES, limit=limit, order="desc") == written[::-1]


def test_new_messages_of_other_completions_do_not_move_a_walk(stored: Store) -> None:
    stored(*(make_completion(f"c-{n}", created=n) for n in range(6)))
    pages = walk(LIST, limit=2)
    assert next(pages) == ["c-5", "c-4"]
    stored(make_completion("newer", created=99))
    assert list(pages) == [["c-3", "c-2"], ["c-1", "c-0"]]


# The output is exactly what was imported

EXACT = (
    '{"id":"m-0","role":"user","content":"x","content_parts":null,"name":null,"refusal":null,"z":1,"seed":9007199254740993123,'
    '"price":1.10,"huge":1e400,"minus":-0.0,"twice":1,"twice":{"b":1,"a":2,"b":3},'
    '"e":"caf\\u00e9 \\ud83d \\u0000 \\/ é","list":[ 1 , 2 ]}'
)


def test_a_whole_message_comes_out_byte_for_byte() -> None:
    import_text(f'{{"id":"chatcmpl-one","messages":[{EXACT}]}}')
    assert respond(MESSAGES).body.decode() == (
        f'{{"object":"list","data":[{EXACT}],"first_id":"m-0","last_id":"m-0","has_more":false}}'
    )


def test_a_message_without_refusal_keeps_its_keys_order_and_doubles() -> None:
    given = '{"role":"user","id":"m-0","twice":1,"content":"x","twice":1.10,"name":null,"content_parts":null}'
    import_text(f'{{"id":"chatcmpl-one","messages":[{given}]}}')
    expected = given.removesuffix("}") + ',"refusal":null}'
    assert f'"data":[{expected}]' in respond(MESSAGES).body.decode()


def test_a_completion_keeps_its_fields_digits_order_and_doubles() -> None:
    body = (
        '{"z":1.10,"id":"chatcmpl-one","seed":-9007199254740993123,"twice":1,"twice":2,'
        '"choices":[{"b":1e400,"a":"\\ud83d\\u0000"}],"n":null}'
    )
    import_text(body.removesuffix("}") + ',"messages":[]}')
    assert respond("/chat/completions/chatcmpl-one").body.decode() == body
    assert respond(LIST).body.decode().startswith(f'{{"object":"list","data":[{body}],')


def test_fields_after_the_messages_are_kept_too() -> None:
    import_text('{"id":"chatcmpl-one","messages":[],"after":{"deep":[1.0]}}')
    assert respond("/chat/completions/chatcmpl-one").body == b'{"id":"chatcmpl-one","after":{"deep":[1.0]}}'


def test_what_is_missing_is_added_as_null_and_what_is_unset_is_left_out(stored: Store) -> None:
    unset = dict.fromkeys(("tool_calls", "tool_call_id", "function_call", "annotations", "audio"))
    stored({"id": "chatcmpl-one", "messages": [{"role": "user", "content": "x", **unset}]})
    (message,) = ask(MESSAGES)["data"]
    assert message == {
        "id": "chatcmpl-one-0",
        "role": "user",
        "content": "x",
        "content_parts": None,
        "name": None,
        "refusal": None,
    }


def test_what_is_set_is_kept(stored: Store) -> None:
    fields: dict[str, Any] = {
        "tool_calls": [],
        "tool_call_id": "",
        "function_call": {},
        "annotations": [],
        "audio": {},
        "refusal": "no",
        "name": "bob",
    }
    stored(make_completion("chatcmpl-one", say("assistant", None, **fields)))
    assert ask(MESSAGES)["data"] == [{"id": "chatcmpl-one-0", **say("assistant", None), **fields}]


def test_text_of_every_script_comes_out(stored: Store) -> None:
    text = "العربية 日本語 😀👨‍👩‍👧 \u2028\u2029 \u202e \ufeff <script> \x7f"
    stored(make_completion("chatcmpl-one", say("user", text)))
    assert ask(MESSAGES)["data"][0]["content"] == text


# Finding the completion of a message


def test_a_message_id_leads_to_its_completion(stored: Store) -> None:
    stored(make_long("one", 2, prefix="msg_"), make_long("two", 2))
    assert completion_of("msg_0", None) == "one"
    assert completion_of("two-1", None) == "two"
    assert completion_of("two-2", None) is None


# Cost


@pytest.mark.slow
def test_the_last_page_of_ten_thousand_messages_costs_what_the_first_costs(stored: Store) -> None:
    stored(make_long("chatcmpl-other", 300), make_long("chatcmpl-one", 10_000))
    queries = {}
    for order in ("asc", "desc"):
        for after in (1, 5_000, 9_950):
            with sql() as statements:
                assert len(ids(MESSAGES, order=order, after=f"chatcmpl-one-{after}", limit=20)) > 0
            queries[order, after] = len(statements)
            assert not any("OFFSET" in statement for statement in statements)
        costs = [cost_of(MESSAGES, order=order, after=f"chatcmpl-one-{after}") for after in (30, 5_000, 9_970)]
        assert max(costs) <= 2 * min(costs) + 5, costs
    assert set(queries.values()) == {1}


def test_the_last_page_of_the_list_costs_what_the_first_costs(stored: Store) -> None:
    stored(*(make_completion(f"c-{n}", created=n, model="a" if n % 2 else "b") for n in range(2_000)))
    for narrowed in ({}, {"model": "a"}):
        for order in ("asc", "desc"):
            costs = [cost_of(LIST, order=order, after=f"c-{after}", **narrowed) for after in (50, 1_000, 1_950)]
            assert max(costs) <= 2 * min(costs) + 5, (order, narrowed, costs)


def test_many_completions_of_one_second_cost_no_more(stored: Store) -> None:
    stored(*(make_completion(f"c-{n}") for n in range(2_000)))
    costs = [cost_of(LIST, after=f"c-{after}") for after in (50, 1_000, 1_950)]
    assert max(costs) <= 2 * min(costs) + 5, costs


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("after", [{}, {"after": "chatcmpl-one-3"}])
def test_a_page_of_messages_is_cut_by_the_index(stored: Store, order: str, after: dict[str, str]) -> None:
    stored(make_long("chatcmpl-one", 9))
    with sql() as statements:
        ask(MESSAGES, order=order, **after)
    assert not any("OFFSET" in statement for statement in statements)
    assert MessagePack._meta.db_table in statements[-1]
    if connection.vendor == "sqlite":
        # SQLite makes the index of the constraint `messages_by_first` under a name of its own.
        assert "(completion_id=?" in plan_of(statements[-1])
        assert not after or "(completion_id=? AND first" in plan_of(statements[-1])
        for statement in statements:
            assert "SCAN" not in plan_of(statement)
            assert "TEMP B-TREE" not in plan_of(statement)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize(
    ("query", "index"), [({}, "completion_by_time"), ({"model": "gpt-4.1"}, "completion_by_model")]
)
def test_a_page_of_the_list_is_cut_by_an_index(stored: Store, order: str, query: dict[str, str], index: str) -> None:
    stored(*(make_completion(f"c-{n}", created=n) for n in range(9)))
    with sql() as statements:
        ask(LIST, order=order, after="c-4", **query)
    assert not any("OFFSET" in statement for statement in statements)
    if connection.vendor == "sqlite":
        assert index in plan_of(statements[-1])
        assert "SCAN" not in plan_of(statements[-1])
        assert "TEMP B-TREE" not in plan_of(statements[-1])


def test_the_number_of_queries_does_not_grow_with_the_page(stored: Store) -> None:
    stored(*(make_completion(f"c-{n}", say("user", "x"), metadata={"a": "b"}) for n in range(100)))
    counts = set()
    for limit in (1, 20, 100):
        with sql() as statements:
            ask(LIST, limit=limit)
        counts.add(len(statements))
    assert counts == {1}
