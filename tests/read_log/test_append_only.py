"""Nobody changes or deletes a row of the read log, but for the command that deletes old rows and says so in the log."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from viewer.deployment.waiting import waiting_at_most
from viewer.read_log import pruning, recording
from viewer.read_log.append_only import deleting_before
from viewer.read_log.models import Reading

is_sqlite = connection.vendor == "sqlite"
TAMPERING = {
    "change": "UPDATE read_log_reading SET name = 'somebody else'",
    "delete": "DELETE FROM read_log_reading",
    "change on conflict": (
        "INSERT INTO read_log_reading SELECT * FROM read_log_reading WHERE true "
        "ON CONFLICT (id) DO UPDATE SET name = 'somebody else'"
    ),
    **(
        {"replace": "REPLACE INTO read_log_reading SELECT * FROM read_log_reading"}
        if is_sqlite
        else {
            "truncate": "TRUNCATE read_log_reading",
            "without triggers": "SET LOCAL session_replication_role = replica; DELETE FROM read_log_reading",
            "with an empty permission": "SET LOCAL lectern.prune_before = ''; DELETE FROM read_log_reading",
            "with a permission for older": "SET LOCAL lectern.prune_before = '2000-01-01'; DELETE FROM read_log_reading",
        }
    ),
}


def read(days_ago: float = 0, **values: Any) -> Reading:
    row = {"action": "conversation", "name": "alice", "completion_id": "chatcmpl-one", **values}
    return Reading.objects.create(at=timezone.now() - timedelta(days=days_ago), **row)


@pytest.fixture
def prune(db: None, settings: Any, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the command for rows older than thirty days."""
    settings.READ_LOG_DAYS = 30

    def run(**options: Any) -> str:
        call_command("prune_read_log", **options)
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("way", TAMPERING)
def test_no_statement_changes_or_deletes_a_row(db: None, way: str) -> None:
    before = vars(read())["name"]
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TAMPERING[way])
    assert Reading.objects.get().name == before


def test_our_own_code_cannot_do_it_either(db: None) -> None:
    row = read()
    for act in (row.save, row.delete, Reading.objects.all().delete, lambda: Reading.objects.update(name="eve")):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            act()
    assert Reading.objects.get().name == "alice"


def test_a_deleted_account_leaves_its_rows(alice: Any) -> None:
    read(person=alice.pk)
    alice.delete()
    assert Reading.objects.get().name == "alice"


def test_the_command_deletes_what_is_old_and_says_so(prune: Callable[..., str]) -> None:
    kept = [read(29), read()]
    for _ in range(3):
        read(31)
    assert "3 rows are older than 30 days and would be deleted" in prune(dry_run=True)
    assert Reading.objects.count() == 5
    assert "3 rows older than 30 days were deleted" in prune()
    *left, audit = Reading.objects.order_by("pk")
    assert left == kept
    assert (audit.action, audit.person) == ("prune", None)
    assert audit.detail.startswith("3 rows from before ")
    assert "@" in audit.name
    assert "0 rows" in prune()
    assert Reading.objects.count() == 3  # nothing to say


@pytest.mark.parametrize("action", ["prune", "erase"])
def test_what_says_that_something_was_deleted_stays_for_ever(prune: Callable[..., str], action: str) -> None:
    read(400, action=action)
    assert "0 rows" in prune()
    assert Reading.objects.count() == 1


@pytest.mark.usefixtures("db")
def test_by_default_every_row_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    read(4000)
    call_command("prune_read_log")
    assert "every row is kept" in capsys.readouterr().out
    assert Reading.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_every_batch_is_a_transaction_with_its_own_row(prune: Callable[..., str], monkeypatch: Any) -> None:
    """So a command that is killed has deleted what the log says, and left the triggers."""
    pauses: list[float] = []
    monkeypatch.setattr(pruning, "_BATCH", 2)
    monkeypatch.setattr("viewer.read_log.pruning.time.sleep", pauses.append)
    for _ in range(5):
        read(31)
    written = []

    def write(**values: Any) -> None:
        written.append(values)
        if len(written) == 3:
            raise IntegrityError("killed")
        Reading.objects.create(at=datetime.now(UTC), **values)

    monkeypatch.setattr(pruning, "write", write)
    with pytest.raises(CommandError, match="could not be pruned: killed"):
        prune()
    assert len(pauses) == (2 if is_sqlite else 0)  # in which readers get their turn
    assert Reading.objects.filter(action="conversation").count() == 1
    assert [row.detail[:6] for row in Reading.objects.filter(action="prune")] == ["2 rows"] * 2
    for way in ("change", "delete"):
        with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
            cursor.execute(TAMPERING[way])


@pytest.mark.django_db(transaction=True)
def test_while_old_rows_are_deleted_nobody_else_may_and_postgresql_goes_on_recording(monkeypatch: Any) -> None:
    monkeypatch.setattr(recording, "_MAX_WAIT", 0.05)
    read(31)

    def elsewhere(act: Callable[[], Any]) -> BaseException | None:
        try:
            with waiting_at_most(0.05):
                act()
        except DatabaseError as error:
            return error
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(1) as other, deleting_before(timezone.now()):
        failed = other.submit(elsewhere, Reading.objects.all().delete).result()
        recorded = other.submit(elsewhere, lambda: recording.write(action="json", name="bob")).result()
    assert isinstance(failed, OperationalError if is_sqlite else IntegrityError)
    assert isinstance(recorded, OperationalError if is_sqlite else type(None))
    assert Reading.objects.filter(name="alice").count() == 1


@pytest.mark.django_db(transaction=True)
def test_after_pruning_the_triggers_are_there(prune: Callable[..., str]) -> None:
    read(31)
    read()
    prune()
    for way, statement in TAMPERING.items():
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        assert Reading.objects.count() == 2, way
