"""`POST /v1/imports`: any file as the body, its outcomes, and what is sent twice."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from tests.api.refusals import assert_refused, bearer
from tests.conftest import make_completion, say
from viewer.api.models import ImportAnswer
from viewer.archive.models import StoredCompletion
from viewer.archive.reports import import_files
from viewer.completions.zstandard import zstd
from viewer.erasure import erasing
from viewer.keys.models import AccessToken

pytestmark = pytest.mark.django_db
TWO = b"\n".join(json.dumps(make_completion(name, say("user", "hi"))).encode() for name in ("c-1", "c-2"))


@pytest.fixture
def importing(alice: User) -> dict[str, str]:
    return bearer(AccessToken.objects.issue(alice, "helpdesk", rights=["may_import"])[1])


def send(client: Client, headers: dict[str, str], body: bytes, query: str = "", **more: str) -> Any:
    return client.post(f"/v1/imports{query}", body, content_type="application/octet-stream", headers=headers | more)


def test_a_file_is_stored_and_each_conversation_has_its_outcome(client: Client, importing: dict[str, str]) -> None:
    first = send(client, importing, TWO + b"\nnonsense\n").json()
    assert first["counts"] == {"imported": 2, "unchanged": 0, "replaced": 0, "kept": 0, "refused": 1, "erased": 0}
    assert [(one["id"], one["status"], one["place"]) for one in first["conversations"]] == [
        ("c-1", "imported", "body, line 1"), ("c-2", "imported", "body, line 2"), (None, "refused", "body, line 3")
    ]  # fmt: skip
    assert first["conversations"][2]["reason"].startswith("not a JSON object")
    assert first["summary"].startswith("A file of OpenAI chat completions with 2 conversations. 2 imported,")
    changed = TWO.replace(b'"hi"', b'"ho"')
    kept = send(client, importing, changed).json()
    assert {one["status"] for one in kept["conversations"]} == {"kept"}
    assert "?replace=true" in kept["conversations"][0]["reason"]
    assert send(client, importing, changed, "?replace=true").json()["counts"]["replaced"] == 2


def test_a_body_may_be_packed_or_a_form_with_several_files(client: Client, importing: dict[str, str]) -> None:
    lines = TWO.split(b"\n")
    assert send(client, importing, gzip.compress(lines[0])).json()["counts"]["imported"] == 1
    twice = gzip.compress(gzip.compress(lines[1]))
    packed = send(client, importing, twice, **{"Content-Encoding": "gzip"})
    assert packed.json()["counts"]["imported"] == 1
    for encoding, body in (("zstd", zstd.compress(TWO)), ("identity", TWO)):
        sent = send(client, importing, body, **{"Content-Encoding": encoding})
        assert sent.json()["counts"]["unchanged"] == 2
    files = [SimpleUploadedFile(f"{n}.jsonl", line) for n, line in enumerate(lines)]
    form = client.post("/v1/imports", {"file": files}, headers=importing).json()
    assert [(one["place"], one["status"]) for one in form["conversations"]] == [
        ("0.jsonl, line 1", "unchanged"), ("1.jsonl, line 1", "unchanged")
    ]  # fmt: skip


def test_what_cannot_be_taken_is_an_error_of_the_api(client: Client, importing: dict[str, str], settings: Any) -> None:
    picture = send(client, importing, b"\x89PNG\r\n")
    assert (picture.status_code, picture.json()["error"]["code"]) == (400, "nothing_imported")
    assert "This is a picture" in picture.json()["error"]["message"]
    settings.IMPORT_MAX_BYTES = 1_000
    long = b" " * 10_000
    for body, encoding in ((long, "identity"), (gzip.compress(long), "gzip"), (zstd.compress(long), "zstd")):
        assert_refused(send(client, importing, body, **{"Content-Encoding": encoding}), 413, code="body_too_large")
    for encoding in ("gzip", "zstd"):
        assert_refused(send(client, importing, b"x", **{"Content-Encoding": encoding}), 400, code="invalid_body")
    cut_off = zstd.compress(TWO)[:-3]
    assert_refused(send(client, importing, cut_off, **{"Content-Encoding": "zstd"}), 400, code="invalid_body")
    assert_refused(send(client, importing, b"x", **{"Content-Encoding": "br"}), 415, code="unsupported_encoding")
    assert_refused(send(client, importing, b""), 400, code="missing_body")
    assert_refused(send(client, importing, b"x", "?replace=1"), 400, param="replace")


def test_the_same_key_and_body_get_the_first_answer_again(client: Client, importing: dict[str, str]) -> None:
    key = {"Idempotency-Key": "night-1"}
    first, again = (send(client, importing, TWO, **key) for _ in range(2))
    assert first.json()["counts"]["imported"] == 2
    assert (again.content, again["Idempotent-Replayed"]) == (first.content, "true")
    assert_refused(send(client, importing, TWO + b" ", **key), 422, code="idempotency_key_reused")
    assert_refused(send(client, importing, TWO, "?replace=true", **key), 422, code="idempotency_key_reused")
    for boundary in ("one", "two"):  # clients write each form with another
        form = f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nx\r\n--{boundary}--\r\n'
        headers = importing | {"Idempotency-Key": "form"}
        kind = f"multipart/form-data; boundary={boundary}"
        sent = client.post("/v1/imports", form, content_type=kind, headers=headers)
        assert sent.json()["error"]["code"] == "nothing_imported"
    ImportAnswer.objects.update(
        created_at=timezone.now() - timedelta(hours=25), lease_until=timezone.now() - timedelta(1)
    )
    assert send(client, importing, TWO, **key).json()["counts"]["unchanged"] == 2


def test_no_answer_names_a_conversation_that_was_erased_afterwards_or_meanwhile(
    client: Client, importing: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "purge", lambda: True)  # which no transaction of a test may do
    for name in ("one", "two"):
        send(client, importing, TWO, **{"Idempotency-Key": name})
    send(client, importing, TWO.replace(b'"c-', b'"d-'), **{"Idempotency-Key": "other"})
    erasing.erase(["c-1"], "ann")
    assert list(ImportAnswer.objects.values_list("key", flat=True)) == ["other"]
    again = send(client, importing, TWO, **{"Idempotency-Key": "one"}).json()
    assert {one["id"]: one["status"] for one in again["conversations"]} == {"c-1": "erased", "c-2": "unchanged"}

    def import_and_erase(*args: Any, **kwargs: Any) -> Any:
        yield from import_files(*args, **kwargs)
        erasing.erase(["c-2"], "ann")

    monkeypatch.setattr("viewer.api.importing.import_files", import_and_erase)
    assert send(client, importing, TWO, **{"Idempotency-Key": "meanwhile"}).status_code == 200
    assert not ImportAnswer.objects.filter(body__contains="c-2").exists()


def test_an_import_that_goes_on_is_not_begun_again_until_its_lease_is_over(
    client: Client, importing: dict[str, str]
) -> None:
    key = {"Idempotency-Key": "k"}
    send(client, importing, TWO, **key)
    ImportAnswer.objects.update(body="", lease_until=timezone.now() + timedelta(minutes=1))
    StoredCompletion.objects.all().delete()
    response = send(client, importing, TWO, **key)
    assert_refused(response, 409, code="idempotency_key_in_use")
    assert response["Retry-After"]
    assert not StoredCompletion.objects.exists()
    ImportAnswer.objects.update(lease_until=timezone.now() - timedelta(seconds=1))  # as after kill -9
    assert send(client, importing, TWO, **key).json()["counts"]["imported"] == 2


def test_an_import_that_failed_can_be_sent_again(
    client: Client, importing: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("database is locked")

    key = {"Idempotency-Key": "k"}
    with monkeypatch.context() as patch:
        patch.setattr("viewer.api.importing.import_files", fail)
        assert_refused(send(client, importing, TWO, **key), 503, type="server_error")
    assert send(client, importing, TWO, **key).json()["counts"]["imported"] == 2
