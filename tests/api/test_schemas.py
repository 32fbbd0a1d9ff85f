from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.api.conversations import make_varied
from tests.api.schemas import ERROR, EXAMPLE, SEED_A, SEED_B, Schema
from tests.conftest import make_completion, make_long, say
from viewer.archive.api import respond
from viewer.archive.importing import import_lines

SAMPLES = Path(__file__).resolve().parents[2] / "viewer" / "archive" / "samples.jsonl"
PATH = "/chat/completions/{}/messages"
both_pages = pytest.mark.parametrize("schema", [SEED_A, SEED_B], ids=["seed A", "seed B"])
Store = Callable[..., Any]


def complaints(schema: Schema, body: Any) -> list[str]:
    return [f"{error.json_path}: {error.message[:300]}" for error in Draft202012Validator(schema).iter_errors(body)]


def pages(completion_id: str, limit: int) -> Iterator[dict[str, Any]]:
    query = f"limit={limit}"
    while True:
        page = json.loads(respond(PATH.format(completion_id), query).body)
        yield page
        if not page["has_more"]:
            return
        query = f"limit={limit}&after={page['data'][-1]['id']}"


@both_pages
def test_the_schema_is_a_schema(schema: Schema) -> None:
    Draft202012Validator.check_schema(schema)


def test_the_pages_own_example_fits_the_newer_page() -> None:
    assert complaints(SEED_B, EXAMPLE) == []


def test_with_a_refusal_the_example_fits_the_older_page_too() -> None:
    """The older page requires `refusal`, and its own example has none: Lectern answers it always."""
    assert complaints(SEED_A, EXAMPLE) != []
    assert complaints(SEED_A, EXAMPLE | {"data": [EXAMPLE["data"][0] | {"refusal": None}]}) == []


@pytest.mark.django_db
def test_the_pages_own_example_is_answered_as_it_stands_there() -> None:
    line = {"id": "chatcmpl-AyPNinnUqUDYo9SAdA52NobMflmj2", "messages": EXAMPLE["data"]}
    assert [outcome.status for outcome in import_lines([json.dumps(line).encode()])] == ["imported"]
    body = json.loads(respond(PATH.format(line["id"])).body)
    assert body == EXAMPLE | {"data": [EXAMPLE["data"][0] | {"refusal": None}]}
    assert list(body) == list(EXAMPLE)
    assert list(body["data"][0]) == [*EXAMPLE["data"][0], "refusal"]


@both_pages
@pytest.mark.django_db
def test_every_sample_fits_the_page(schema: Schema) -> None:
    with SAMPLES.open("rb") as lines:
        outcomes = list(import_lines(lines))
    assert {outcome.status for outcome in outcomes} == {"imported"}
    with SAMPLES.open() as lines:
        ids = [json.loads(line)["id"] for line in lines if line.strip()]
    assert [
        (name, complaints(schema, page)) for name in ids for page in pages(name, 100) if complaints(schema, page)
    ] == []


@both_pages
@pytest.mark.django_db
def test_every_shape_that_can_be_imported_fits_the_page(stored: Store, schema: Schema) -> None:
    varied = [completion for completion in make_varied() if "odd" not in completion["metadata"]]
    assert len(varied) >= 20
    stored(*varied)
    for completion in varied:
        for page in pages(completion["id"], 7):
            assert complaints(schema, page) == []


@both_pages
@pytest.mark.django_db
def test_a_fine_tuning_line_fits_the_page(schema: Schema) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    given = {
        "messages": [
            {"role": "system", "content": "Be kind."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "?"},
                    {"type": "image_url", "image_url": {"url": "data:,x"}},
                    "bare",
                ],
            },
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "9"}]},
            {
                "role": "assistant",
                "content": None,
                "function_call": {"name": "f", "arguments": ""},
                "tool_calls": None,
                "audio": None,
            },
            {"role": "user", "content": []},
        ]
    }
    list(import_lines([json.dumps(given).encode()]))
    (completion,) = json.loads(respond("/chat/completions").body)["data"]
    assert complaints(schema, json.loads(respond(PATH.format(completion["id"])).body)) == []


@both_pages
@pytest.mark.django_db
def test_an_empty_page_fits_the_page(stored: Store, schema: Schema) -> None:
    stored(make_completion("empty"), make_long("long", 3))
    assert complaints(schema, json.loads(respond(PATH.format("empty")).body)) == []
    assert complaints(schema, json.loads(respond(PATH.format("long"), "after=long-2").body)) == []


@both_pages
@pytest.mark.django_db
def test_list_content_beside_null_parts_fits_the_page(stored: Store, schema: Schema) -> None:
    stored(make_completion("c", say("user", [{"type": "text", "text": "x"}])))
    assert complaints(schema, json.loads(respond(PATH.format("c")).body)) == []


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "order=up", "after=nope", "after="])
@pytest.mark.django_db
def test_every_refusal_fits_the_envelope(stored: Store, query: str) -> None:
    stored(make_completion("c"))
    refused = [
        respond("/chat/completions", query),
        respond(PATH.format("c"), query),
        respond("/x"),
        respond(PATH.format("x")),
    ]
    assert [complaints(ERROR, json.loads(one.body)) for one in refused] == [[]] * 4


BREAKAGES: list[tuple[Schema, Callable[[dict[str, Any]], Any]]] = [
    *((schema, lambda page, name=name: page.pop(name)) for schema in (SEED_A, SEED_B) for name in EXAMPLE),
    *((schema, lambda page: page.update(object="page")) for schema in (SEED_A, SEED_B)),
    *((schema, lambda page: page.update(has_more="true")) for schema in (SEED_A, SEED_B)),
    *((schema, lambda page: page.update(first_id=None)) for schema in (SEED_A, SEED_B)),
    *((schema, lambda page: page.update(data=[])) for schema in (SEED_A, SEED_B)),
    *((schema, lambda page: page.update(data=page["data"] * 101)) for schema in (SEED_A, SEED_B)),
    *((schema, lambda page: page.update(total=1)) for schema in (SEED_A, SEED_B)),
    *(
        (schema, lambda page, name=name: page["data"][0].pop(name))
        for schema in (SEED_A, SEED_B)
        for name in ("id", "role", "content")
    ),
    *((schema, lambda page: page["data"][0].update(content=["x"])) for schema in (SEED_A, SEED_B)),
    (SEED_A, lambda page: page["data"][0].pop("refusal")),
    (SEED_A, lambda page: page["data"][0].update(tool_calls=None)),
    (SEED_A, lambda page: page["data"][0].update(tool_calls=[{"id": "c", "type": "function"}])),
    (SEED_A, lambda page: page["data"][0].update(function_call=None)),
    (SEED_A, lambda page: page["data"][0].update(annotations=[{"type": "url_citation"}])),
    (SEED_A, lambda page: page["data"][0].update(audio={"id": "a"})),
    (SEED_B, lambda page: page["data"][0].pop("name")),
    (SEED_B, lambda page: page["data"][0].pop("content_parts")),
    (SEED_B, lambda page: page["data"][0].update(content_parts="x")),
    (SEED_B, lambda page: page["data"][0].update(content_parts=[{"type": "text"}])),
    (
        SEED_B,
        lambda page: page["data"][0].update(
            content_parts=[{"type": "image_url", "image_url": {"url": "x", "detail": "huge"}}]
        ),
    ),
]


@pytest.mark.parametrize(("schema", "damage"), BREAKAGES)
def test_the_schema_can_say_no(schema: Schema, damage: Callable[[dict[str, Any]], Any]) -> None:
    page = copy.deepcopy(EXAMPLE)
    page["data"][0]["refusal"] = None
    assert complaints(schema, page) == []
    damage(page)
    assert complaints(schema, page) != []
