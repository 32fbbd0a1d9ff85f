"""Measuring the archive: it says what it found, and leaves nothing behind."""

from __future__ import annotations

import os

import pytest
from django.core.management import call_command
from django.db import connection

from viewer.archive.models import StoredCompletion


@pytest.mark.django_db
def test_the_archive_is_measured_on_a_database_that_is_thrown_away(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("benchmark_archive", messages=[200, 400], rounds=1)
    said = capsys.readouterr().out
    assert f"{connection.vendor}, seed" in said
    assert all(words in said for words in ("200 messages", "400 messages", "search, phrase", "list by a rare pair"))
    assert said.count("  met   ") + said.count("  missed") == 4
    assert not StoredCompletion.objects.exists()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [f"lectern_benchmark_{os.getpid()}"])
            assert cursor.fetchone() == (0,)
