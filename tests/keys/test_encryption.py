from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.keys.secrets import CANARY, make_key, new_master_key
from viewer.keys.encryption import CannotDecrypt, Secret, decrypt, encrypt
from viewer.keys.models import ApiKey


@given(st.text(max_size=200), st.text(max_size=50))
def test_what_is_encrypted_opens_for_its_own_row(secret: str, row: str) -> None:
    secret, row = (text.encode("utf-8", "replace").decode() for text in (secret, row))
    sealed = encrypt(Secret(secret), row)
    assert decrypt(sealed, row).reveal() == secret
    with pytest.raises(CannotDecrypt):
        decrypt(sealed, row + "x")


def test_the_same_secret_never_looks_the_same_twice() -> None:
    assert encrypt(Secret("a"), "1:1") != encrypt(Secret("a"), "1:1")


def test_a_value_pasted_into_another_row_does_not_open(alice: User, mallory: User) -> None:
    hers, his = make_key(alice), make_key(mallory, secret="sk-other")
    his.sealed = hers.sealed
    with pytest.raises(CannotDecrypt):
        his.open()
    second = make_key(alice, "second")
    second.sealed = hers.sealed
    with pytest.raises(CannotDecrypt):
        second.open()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.text(max_size=120))
def test_nothing_but_our_own_values_opens(value: str) -> None:
    with pytest.raises(CannotDecrypt):
        decrypt(value, "1:1")


def test_every_single_changed_character_is_noticed() -> None:
    sealed = encrypt(Secret(CANARY), "1:1")
    for position in range(len(sealed)):
        changed = sealed[:position] + ("A" if sealed[position] != "A" else "B") + sealed[position + 1 :]
        try:
            opened = decrypt(changed, "1:1").reveal()
        except CannotDecrypt:
            continue
        # The last character of base64 has bits that mean nothing.
        assert (position, opened) == (len(sealed) - 1, CANARY)


def test_the_database_holds_no_key_in_the_clear(alice: User) -> None:
    key = make_key(alice)
    stored = ApiKey.objects.filter(pk=key.pk).values().get()
    assert CANARY not in repr(stored)
    assert stored["ending"] == CANARY[-4:]
    assert key.open().reveal() == CANARY


def test_a_secret_shows_itself_only_when_asked() -> None:
    assert CANARY not in repr(Secret(CANARY)) + str(Secret(CANARY)) + f"{Secret(CANARY)}"


def test_after_rotation_the_old_master_key_is_not_needed(alice: User, settings: Any) -> None:
    old, new = new_master_key(), new_master_key()
    settings.KEY_ENCRYPTION_KEYS = [old]
    keys = [make_key(alice, f"key {n}", f"sk-{n}") for n in range(5)]
    settings.KEY_ENCRYPTION_KEYS = [new, old]
    keys.append(make_key(alice, "key 5", "sk-5"))
    out = StringIO()
    call_command("rotate_encryption_keys", stdout=out)
    assert out.getvalue().startswith("5 encrypted anew")
    settings.KEY_ENCRYPTION_KEYS = [new]
    assert [ApiKey.objects.get(pk=key.pk).open().reveal() for key in keys] == [f"sk-{n}" for n in range(6)]
    out = StringIO()
    call_command("rotate_encryption_keys", stdout=out)
    assert out.getvalue().startswith("0 encrypted anew")


def test_rotation_names_what_no_master_key_opens_and_does_the_rest(alice: User, settings: Any) -> None:
    lost, new = new_master_key(), new_master_key()
    settings.KEY_ENCRYPTION_KEYS = [lost]
    make_key(alice, "lost one")
    settings.KEY_ENCRYPTION_KEYS = [new]
    with pytest.raises(CommandError, match="lost one of alice"):
        call_command("rotate_encryption_keys", stdout=StringIO())
