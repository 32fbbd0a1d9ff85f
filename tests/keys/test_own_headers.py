"""Headers of a person's own beside a key: kept like the key, sent along, and never shown again but by name."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from tests.conftest import make_key
from tests.keys.secrets import new_master_key
from tests.upstream import Upstream
from viewer.keys.encryption import CannotDecrypt, is_newest
from viewer.keys.models import ApiKey
from viewer.sources.sources import Source

VALUE = "pk-gateway-canary-31415926535"
LINES = f"X-Portkey-Api-Key: {VALUE}\r\n\r\nx-portkey-provider:openai\r\n"
KEPT = "X-Portkey-Api-Key: •••\nx-portkey-provider: •••"


def save(reader: Client, old: ApiKey | None = None, status: int = 302, **fields: str) -> str:
    address = f"/keys/{old.pk}/" if old else "/keys/"
    given = {"label": "work", "key": "" if old else "sk-good-1", "headers": "", **fields}
    answer = reader.post(address, given)
    assert answer.status_code == status
    return answer.content.decode()


def sent(upstream: Upstream, key: ApiKey) -> dict[str, str]:
    upstream.forget()
    Source(key).client.completions()
    headers: dict[str, str] = upstream.asked()[0]["headers"]
    return headers


def test_headers_are_sent_along_and_never_shown_again_but_by_name(
    reader: Client, alice: User, upstream: Upstream
) -> None:
    save(reader, base_url=upstream.base(), headers=LINES)
    key = ApiKey.objects.get()
    headers = sent(upstream, key)
    assert headers["x-portkey-api-key"] == VALUE
    assert headers["x-portkey-provider"] == "openai"
    assert headers["authorization"] == "Bearer sk-good-1"
    pages = [reader.get(address).content.decode() for address in ("/keys/", f"/keys/{key.pk}/")]
    assert not any(VALUE in page for page in pages)
    assert "X-Portkey-Api-Key: •••" in pages[1]
    assert VALUE not in repr(ApiKey.objects.filter(pk=key.pk).values().get())
    assert VALUE not in repr(Source(key).client)


def test_a_header_is_kept_replaced_or_left_out_by_its_line(reader: Client, alice: User, upstream: Upstream) -> None:
    save(reader, base_url=upstream.base(), headers=LINES)
    key = ApiKey.objects.get()
    save(reader, key, base_url=upstream.base(), headers="X-Portkey-Api-Key: •••\nx-more: one two")
    changed = ApiKey.objects.get()
    assert changed.open_headers() == {"X-Portkey-Api-Key": VALUE, "x-more": "one two"}
    assert changed.version != key.version
    save(reader, key, base_url=upstream.base())
    assert ApiKey.objects.get().sealed_headers == ""
    assert "x-portkey-api-key" not in sent(upstream, ApiKey.objects.get())


def test_a_refused_form_sends_no_value_back(reader: Client, upstream: Upstream) -> None:
    page = save(reader, status=422, base_url="x", headers=LINES)
    assert VALUE not in page
    assert "X-Portkey-Api-Key: " in page


def test_a_header_alone_may_carry_the_key(reader: Client, upstream: Upstream) -> None:
    save(reader, base_url=upstream.base("azure"), key="", headers="api-key: sk-good-in-a-header-1")
    key = ApiKey.objects.get()
    headers = sent(upstream, key)
    assert headers["api-key"] == "sk-good-in-a-header-1"
    assert "authorization" not in headers
    assert "Additional headers" in reader.get("/keys/").content.decode()
    save(reader, key, base_url=upstream.base(), headers="Authorization: Bearer sk-good-other-scheme")
    assert sent(upstream, ApiKey.objects.get())["authorization"] == "Bearer sk-good-other-scheme"


def test_without_a_key_and_without_headers_there_is_nothing_to_save(reader: Client, upstream: Upstream) -> None:
    assert "Paste the API key." in save(reader, status=422, base_url=upstream.base(), key="")


def test_another_address_asks_for_the_values_again(reader: Client, alice: User, upstream: Upstream) -> None:
    save(reader, base_url=upstream.base(), headers=LINES)
    key = ApiKey.objects.get()
    page = save(reader, key, 422, key="sk-good-2", base_url=upstream.base("gzip"), headers=KEPT)
    assert "Enter the values of the headers again" in page
    save(reader, key, key="sk-good-2", base_url=upstream.base("gzip"), headers=LINES)
    assert ApiKey.objects.get().open_headers()["X-Portkey-Api-Key"] == VALUE


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ("no colon", "one header per line"), (": value", "one header per line"), ("a b: c", "one header per line"), ("ü: c", "one header per line"),
        ("Host: x", "cannot be set here"), ("content-length: 5", "cannot be set here"), ("Transfer-Encoding: chunked", "cannot be set here"),
        ("Connection: close", "cannot be set here"), ("Proxy-Authorization: x", "cannot be set here"), ("Cookie: a=b", "cannot be set here"),
        ("accept-encoding: br", "cannot be set here"), ("a: 1\nA: 2", "twice"), ("a:", "Enter a value"), ("a: •••", "Enter a value"),
        ("a: \x00b", "plain characters"), ("a: ü", "plain characters"), (f"a: {'x' * 4_001}", "plain characters"),
        ("\n".join(f"a{n}: 1" for n in range(21)), "At most 20"), ("Authorization: Bearer x", "one of the two"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_header_of_ones_own_is_said(
    reader: Client, upstream: Upstream, headers: str, said: str
) -> None:
    answer = reader.post("/keys/", {"label": "x", "key": "sk-good-1", "base_url": upstream.base(), "headers": headers})
    assert answer.status_code == 422
    assert said in answer.content.decode() or "Null characters" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_a_value_opens_in_no_other_column_or_row(alice: User, mallory: User) -> None:
    hers, his = make_key(alice), make_key(mallory)
    hers.seal_headers({"a": VALUE})
    his.sealed_headers = hers.sealed_headers
    with pytest.raises(CannotDecrypt):
        his.open_headers()
    hers.sealed, hers.sealed_headers = hers.sealed_headers, hers.sealed
    with pytest.raises(CannotDecrypt):
        hers.open()
    with pytest.raises(CannotDecrypt):
        hers.open_headers()


def test_rotation_takes_the_headers_along(alice: User, settings: Any) -> None:
    old, new = new_master_key(), new_master_key()
    settings.KEY_ENCRYPTION_KEYS = [old]
    key = make_key(alice, "both")
    key.seal_headers({"a": VALUE})
    settings.KEY_ENCRYPTION_KEYS = [new, old]
    key.seal(key.open())  # the key alone is under the new one already
    key.save()
    out = StringIO()
    call_command("rotate_encryption_keys", stdout=out)
    assert out.getvalue().startswith("1 encrypted anew")
    settings.KEY_ENCRYPTION_KEYS = [new]
    rotated = ApiKey.objects.get()
    assert rotated.open_headers() == {"a": VALUE}
    assert is_newest(rotated.sealed_headers)
