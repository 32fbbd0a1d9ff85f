"""The official client decides: what it reads from a running server is what was imported."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.api.conversations import as_answered, make_varied
from tests.conftest import make_completion, make_long, say
from viewer.archive.importing import import_lines
from viewer.keys.models import AccessToken

SAMPLES = Path(__file__).resolve().parents[2] / "viewer" / "archive" / "samples.jsonl"
VARIED = make_varied()
Store = Callable[..., Any]

in_both_orders = pytest.mark.parametrize("order", ["asc", "desc"])


@pytest.fixture
def official(live_server: Any, alices_token: str) -> OpenAI:
    return OpenAI(base_url=f"{live_server.url}/v1", api_key=alices_token, max_retries=0, timeout=30)


@pytest.fixture
def _varied(db: None, stored: Store) -> None:
    assert {outcome.status for outcome in stored(*VARIED)} == {"imported"}


def plain(item: Any) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the client's types are narrower than what it carries
        return dict(item.to_dict(mode="python", warnings=False))


def without_messages(completion: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in completion.items() if name != "messages"}


def in_order(completions: list[dict[str, Any]], order: str) -> list[str]:
    """Newest first, and within one second the last imported first."""
    oldest_first = [completion["id"] for completion in sorted(completions, key=lambda one: one["created"])]
    return oldest_first if order == "asc" else oldest_first[::-1]


@in_both_orders
@pytest.mark.parametrize("limit", [4, 100])
@pytest.mark.usefixtures("_varied")
def test_the_client_reads_every_completion_once_and_in_order(official: OpenAI, order: Any, limit: int) -> None:
    found = [plain(item) for item in official.chat.completions.list(order=order, limit=limit)]
    assert [item["id"] for item in found] == in_order(VARIED, order)
    expected = {completion["id"]: without_messages(completion) for completion in VARIED}
    assert found == [expected[item["id"]] for item in found]


@pytest.mark.usefixtures("_varied")
def test_without_an_order_the_client_gets_the_newest_first(official: OpenAI) -> None:
    assert [item.id for item in official.chat.completions.list()] == in_order(VARIED, "desc")


@in_both_orders
@pytest.mark.parametrize(
    ("narrowed", "belongs"),
    [
        ({"model": "gpt-4.1"}, lambda one: one["model"] == "gpt-4.1"),
        ({"metadata": {"team": "réd & blue"}}, lambda one: one["metadata"]["team"] == "réd & blue"),
        ({"metadata": {"team": "+[x]=%", "third]": "0"}}, lambda one: one["metadata"]["third]"] == "0"),
        (
            {"metadata": {"team": "réd & blue", "third]": "1"}, "model": "gpt-4.1"},
            lambda one: one["metadata"]["third]"] == "1" and one["model"] == "gpt-4.1",
        ),
        ({"metadata": {"team": "+[x]=%", "third]": "1"}}, lambda one: False),
        ({"model": "gpt-4"}, lambda one: False),
    ],
)
@pytest.mark.usefixtures("_varied")
def test_the_client_narrows_by_model_and_metadata(official: OpenAI, order: Any, narrowed: Any, belongs: Any) -> None:
    found = [item.id for item in official.chat.completions.list(order=order, limit=3, **narrowed)]
    assert found == in_order([completion for completion in VARIED if belongs(completion)], order)


@pytest.mark.usefixtures("_varied")
def test_the_client_retrieves_every_completion_whole(official: OpenAI) -> None:
    for completion in VARIED:
        assert plain(official.chat.completions.retrieve(completion["id"])) == without_messages(completion)


@in_both_orders
@pytest.mark.parametrize("limit", [2, 20, 100])
@pytest.mark.usefixtures("_varied")
def test_the_client_reads_every_message_once_in_order_with_all_its_fields(
    official: OpenAI, order: Any, limit: int
) -> None:
    for completion in VARIED:
        expected = as_answered(completion)
        if len(expected) > 10 * limit:
            continue  # by small pages, only the short ones
        found = [
            plain(item) for item in official.chat.completions.messages.list(completion["id"], order=order, limit=limit)
        ]
        assert found == (expected if order == "asc" else expected[::-1]), completion["id"]


@in_both_orders
@pytest.mark.usefixtures("_varied")
def test_the_client_goes_on_behind_any_message(official: OpenAI, order: Any) -> None:
    completion = next(one for one in VARIED if one["id"].endswith("odd-ids"))
    ids = [message["id"] for message in completion["messages"]]
    ids = ids if order == "asc" else ids[::-1]
    for n, message_id in enumerate(ids):
        page = official.chat.completions.messages.list(completion["id"], after=message_id, order=order, limit=2)
        assert [item.id for item in page] == ids[n + 1 :]


@pytest.mark.usefixtures("_varied")
def test_without_an_order_the_client_gets_the_oldest_message_first(official: OpenAI) -> None:
    (completion,) = (one for one in VARIED if one["id"].endswith("-long"))
    found = [item.id for item in official.chat.completions.messages.list(completion["id"])]
    assert found == [f"{completion['id']}-{n}" for n in range(250)]


@pytest.mark.slow
@in_both_orders
@pytest.mark.django_db
def test_the_client_reads_every_sample(official: OpenAI, order: Any) -> None:
    samples = [json.loads(line) for line in SAMPLES.read_text().splitlines() if line.strip()]
    with SAMPLES.open("rb") as lines:
        assert {outcome.status for outcome in import_lines(lines)} == {"imported"}
    listed = [plain(item) for item in official.chat.completions.list(order=order, limit=5)]
    assert [item["id"] for item in listed] == in_order(samples, order)
    for sample in samples:
        assert plain(official.chat.completions.retrieve(sample["id"])) == without_messages(sample)
        found = [plain(item) for item in official.chat.completions.messages.list(sample["id"], order=order)]
        assert [item["id"] for item in found] == [
            m["id"] for m in (sample["messages"] if order == "asc" else sample["messages"][::-1])
        ]
        for item, written in zip(
            found, sample["messages"] if order == "asc" else sample["messages"][::-1], strict=True
        ):
            assert {name: item[name] for name in written if written[name] is not None} == {
                name: value for name, value in written.items() if value is not None
            }
            assert all(item[name] is None for name in item if name not in written)


@pytest.mark.django_db
def test_an_empty_archive_is_an_empty_list(official: OpenAI) -> None:
    assert list(official.chat.completions.list()) == []


@pytest.mark.usefixtures("_varied")
def test_an_unknown_completion_is_a_not_found_error(official: OpenAI) -> None:
    for ask in (official.chat.completions.retrieve, official.chat.completions.messages.list):
        with pytest.raises(openai.NotFoundError) as raised:
            ask("chatcmpl-nope")
        assert (raised.value.code, raised.value.param, raised.value.type) == (
            "not_found",
            "completion_id",
            "invalid_request_error",
        )
        assert "Completion chatcmpl-nope not found" in raised.value.message
        assert str(raised.value.request_id).startswith("req_")


@pytest.mark.parametrize("completion_id", ["a/b", "a/../b", "é", "%2F", "a?b", "a#b", " ", "\n"])
@pytest.mark.usefixtures("_varied")
def test_an_odd_id_is_a_not_found_error_too(official: OpenAI, completion_id: str) -> None:
    for ask in (official.chat.completions.retrieve, official.chat.completions.messages.list):
        with pytest.raises(openai.NotFoundError) as raised:
            ask(completion_id)
        assert str(raised.value.request_id).startswith("req_")


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["sk-unknown", "lectern_unknown"])
def test_a_bad_key_is_an_authentication_error(official: OpenAI, key: str) -> None:
    mallorys = official.with_options(api_key=key)
    for ask in (
        mallorys.chat.completions.list,
        lambda: mallorys.chat.completions.retrieve("x"),
        lambda: mallorys.chat.completions.messages.list("x"),
    ):
        with pytest.raises(openai.AuthenticationError) as raised:
            ask()
        assert (raised.value.code, raised.value.param, raised.value.status_code) == ("invalid_api_key", None, 401)
        assert str(raised.value.request_id).startswith("req_")
        assert key not in raised.value.message


@pytest.mark.parametrize(
    ("asked", "param", "code"),
    [
        ({"limit": 0}, "limit", "integer_below_min_value"),
        ({"limit": 101}, "limit", "integer_above_max_value"),
        ({"limit": -5}, "limit", "integer_below_min_value"),
        ({"limit": "ten"}, "limit", "invalid_type"),
        ({"order": "up"}, "order", "invalid_value"),
        ({"after": "nope"}, "after", "invalid_value"),
        ({"after": ""}, "after", "invalid_value"),
    ],
)
def test_a_bad_parameter_is_a_bad_request_error(
    official: OpenAI, stored: Store, asked: Any, param: str, code: str
) -> None:
    stored(make_completion("c"))
    for ask in (official.chat.completions.list, lambda **given: official.chat.completions.messages.list("c", **given)):
        with pytest.raises(openai.BadRequestError) as raised:
            ask(**asked)
        assert (raised.value.param, raised.value.code) == (param, code)
        assert str(raised.value.request_id).startswith("req_")


def test_writing_is_refused_with_a_typed_error(official: OpenAI, stored: Store) -> None:
    stored(make_completion("c"))
    for ask in (
        lambda: official.chat.completions.update("c", metadata={"a": "b"}),
        lambda: official.chat.completions.delete("c"),
    ):
        with pytest.raises(openai.PermissionDeniedError) as refused:
            ask()
        assert refused.value.code == "missing_right"
    with pytest.raises(openai.APIStatusError) as raised:
        official.chat.completions.create(model="gpt-4.1", messages=[])
    assert (raised.value.status_code, raised.value.code) == (405, "method_not_supported")


def test_the_client_changes_metadata_and_deletes(official: OpenAI, stored: Store) -> None:
    stored(
        make_completion("c", say("user", "hi"), seed=2**63 - 1, metadata={"a": "b", "kept": "no"}), make_completion("d")
    )
    AccessToken.objects.update(may_change_metadata=True, may_delete=True)
    before = plain(official.chat.completions.retrieve("c"))
    changed = plain(official.chat.completions.update("c", metadata={"ticket": "T-1 é"}))
    assert changed == before | {"metadata": {"ticket": "T-1 é"}} == plain(official.chat.completions.retrieve("c"))
    assert [one.id for one in official.chat.completions.list(metadata={"ticket": "T-1 é"})] == ["c"]
    assert [one.id for one in official.chat.completions.list(metadata={"a": "b"})] == []
    assert plain(official.chat.completions.update("c", metadata=None))["metadata"] == {}
    deleted = official.chat.completions.delete("c")
    assert plain(deleted) == {"object": "chat.completion.deleted", "id": "c", "deleted": True}
    for ask in (official.chat.completions.retrieve, official.chat.completions.delete):
        with pytest.raises(openai.NotFoundError) as raised:
            ask("c")
        assert raised.value.body == {
            "message": "Completion c not found", "type": "invalid_request_error", "param": "completion_id", "code": "not_found"
        }  # fmt: skip
    assert [one.id for one in official.chat.completions.list()] == ["d"]


def test_a_very_long_conversation_is_read_from_both_ends(official: OpenAI, stored: Store) -> None:
    stored(make_long("c", 1_000, prefix="msg_"))
    written = [message["id"] for message in make_long("c", 1_000, prefix="msg_")["messages"]]
    assert [item.id for item in official.chat.completions.messages.list("c", limit=100)] == written
    assert [item.id for item in official.chat.completions.messages.list("c", limit=100, order="desc")] == written[::-1]
