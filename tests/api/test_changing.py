"""What a token may change in the archive, and what is refused; the official client is asked in test_conformance."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.api.refusals import assert_refused, bearer
from tests.conftest import make_completion, say
from viewer.accounts.roles import CURATOR, READER, give_role
from viewer.archive.importing import import_lines, read_line, save_record
from viewer.archive.models import CompletionLabel, ErasedCompletion, Label, SearchWord, StoredCompletion, StoredMetadata
from viewer.archive.search import index
from viewer.keys.models import AccessToken
from viewer.read_log.models import Reading

pytestmark = pytest.mark.django_db
Store = Callable[..., Any]
ONE = "/v1/chat/completions/chatcmpl-one"


@pytest.fixture
def writing(alice: User) -> dict[str, str]:
    return bearer(AccessToken.objects.issue(alice, "crm", rights=["may_change_metadata", "may_delete"])[1])


@pytest.fixture
def _one(stored: Store) -> None:
    stored(make_completion("chatcmpl-one", say("user", "hello"), metadata={"customer": "Zoltan"}))


def update(client: Client, headers: dict[str, str], body: Any) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post(ONE, text, content_type="application/json", headers=headers)


@pytest.mark.django_db(transaction=True)  # else the files of the database cannot be cleaned
@pytest.mark.usefixtures("_one")
def test_a_right_counts_only_while_its_owner_is_a_curator(client: Client, alice: User, writing: dict[str, str]) -> None:
    assert update(client, writing, {"metadata": {}}).status_code == 200
    give_role(alice, READER)
    assert_refused(update(client, writing, {"metadata": {}}), 403, code="missing_right")
    assert_refused(client.delete(ONE, headers=writing), 403, code="missing_right")
    assert client.get(ONE, headers=writing).status_code == 200
    give_role(alice, CURATOR)
    assert client.delete(ONE, headers=writing).status_code == 200


@pytest.mark.usefixtures("_one")
def test_new_metadata_is_found_and_the_old_is_forgotten_everywhere(client: Client, writing: dict[str, str]) -> None:
    before = StoredCompletion.objects.get()
    assert update(client, writing, {"metadata": {"customer": "Quibble"}}).status_code == 200
    after = StoredCompletion.objects.get()
    assert (json.loads(after.body)["metadata"], after.digest) == ({"customer": "Quibble"}, before.digest)
    assert [*StoredMetadata.objects.values_list("key", "value")] == [("customer", "Quibble")]
    words = set(SearchWord.objects.values_list("word", flat=True))
    assert "quibble" in words
    assert "zoltan" not in words
    assert not index.unindexed().exists()
    row = Reading.objects.get()
    assert (row.action, row.name, row.token, row.completion_id) == ("metadata", "alice", "crm", "chatcmpl-one")


def test_what_a_person_saved_is_changed_for_them_alone_and_with_that_of_the_team(
    client: Client, alice: User, bob: User, writing: dict[str, str], stored: Store
) -> None:
    line = json.dumps(make_completion("chatcmpl-one", metadata={"a": "b"})).encode()
    save_record(read_line(line), bob.pk)
    assert_refused(update(client, writing, {"metadata": {"x": "y"}}), 404, code="not_found")
    assert_refused(client.delete(ONE, headers=writing), 404, code="not_found")
    save_record(read_line(line), alice.pk)
    list(import_lines([line]))
    assert update(client, writing, {"metadata": {"x": "y"}}).status_code == 200
    found = {one.owner_id: json.loads(one.body)["metadata"] for one in StoredCompletion.objects.all()}
    assert found == {None: {"x": "y"}, alice.pk: {"x": "y"}, bob.pk: {"a": "b"}}


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ("{", None, None),
        ([], None, "invalid_type"),
        ({}, "metadata", "missing_required_parameter"),
        ({"metadata": {}, "store": True}, "store", "unknown_parameter"),
        ({"metadata": "x"}, "metadata", "invalid_type"),
        ({"metadata": {"n": 1}}, "metadata.n", "invalid_type"),
        ({"metadata": {"n": None}}, "metadata.n", "invalid_type"),
        ({"metadata": {f"k{n}": "" for n in range(17)}}, "metadata", "object_above_max_properties"),
        ({"metadata": {"k" * 65: ""}}, "metadata", "string_above_max_length"),
        ({"metadata": {"k": "é" * 513}}, "metadata.k", "string_above_max_length"),
    ],
)
@pytest.mark.usefixtures("_one")
def test_metadata_keeps_to_the_rules_of_openai(
    client: Client, writing: dict[str, str], body: Any, param: str | None, code: str | None
) -> None:
    assert_refused(update(client, writing, body), 400, param=param, code=code)
    assert json.loads(StoredCompletion.objects.get().body)["metadata"] == {"customer": "Zoltan"}
    most = {"metadata": {f"{n:064}": "😀" * 512 for n in range(16)}}
    assert json.loads(update(client, writing, most).content)["metadata"] == most["metadata"]


@pytest.mark.django_db(transaction=True)  # else the files of the database cannot be cleaned
@pytest.mark.usefixtures("_one")
def test_a_deletion_erases_for_good_but_not_what_a_label_keeps(client: Client, writing: dict[str, str]) -> None:
    label = Label.objects.create(name="Keep", key="keep", colour="blue", is_keeping=True)
    kept = CompletionLabel.objects.create(label=label, completion_id="chatcmpl-one")
    response = client.delete(ONE, headers=writing)
    assert_refused(response, 409, code="completion_kept")
    assert response["x-should-retry"] == "false"
    kept.delete()
    assert client.delete(ONE, headers=writing).status_code == 200
    assert [*ErasedCompletion.objects.values_list("completion_id", "by")] == [("chatcmpl-one", "alice")]
    assert [*Reading.objects.values_list("action", "token")] == [("erase", "crm")]
    assert [one.status for one in import_lines([json.dumps(make_completion("chatcmpl-one")).encode()])] == ["erased"]
