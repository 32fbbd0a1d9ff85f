"""What is erased is gone: from every page, from the index, from the files of the database; and it does not come back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone

from tests.conftest import has_servers, make_completion, make_key, save, say, to_lines
from tests.pages import has, visible
from tests.sync.runs import FEW, copy, start_or_resume, work
from tests.upstream import COMPLETIONS, LIVE, Upstream
from viewer.archive import erased
from viewer.archive.importing import import_lines
from viewer.archive.models import (
    CompletionLabel,
    ErasedCompletion,
    Label,
    MessagePack,
    SearchWord,
    SeenCompletion,
    StoredCompletion,
)
from viewer.deployment.database import sqlite_file
from viewer.erasure import erasing, retention
from viewer.erasure.choosing import ids_before, ids_of_customer
from viewer.erasure.erasing import erase
from viewer.erasure.models import RetentionRun
from viewer.keys.models import ApiKey
from viewer.read_log.models import Reading
from viewer.review.models import Note, Verdict
from viewer.sharing.models import Share
from viewer.sync.models import CopyRun, Saving
from viewer.telemetry.models import ReceivedSpan, TracedConversation

Store = Callable[..., Any]
HERS = make_completion(
    "chatcmpl-hers", say("user", "Zwiebelfisch quokka"), metadata={"customer_id": "Zora"}, created=1_700_000_000
)
OTHER = make_completion("chatcmpl-other", say("user", "Where is my quokka?"), metadata={"customer_id": "Yann"})


@pytest.fixture
def files_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what cannot be done within the transaction of a test."""
    monkeypatch.setattr(erasing, "purge", lambda: True)


def run(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=out, **options)
    return out.getvalue()


def ids() -> set[str]:
    return set(StoredCompletion.objects.values_list("completion_id", flat=True))


@pytest.mark.usefixtures("files_as_they_are")
def test_it_is_gone_for_everybody_and_no_import_brings_it_back(stored: Store, alice: User, bob: User) -> None:
    stored(HERS, OTHER)
    save(alice, HERS)
    SeenCompletion.objects.create(person=bob, completion_id="chatcmpl-hers")
    Saving.objects.create(person=bob, completion_id="chatcmpl-hers", api_key=make_key(bob))
    caches["bubbles"].set("some", "html")
    assert run("erase_completion", "chatcmpl-hers", "--no-input").endswith("1 conversations erased.\n")
    assert ids() == {"chatcmpl-other"}
    assert caches["bubbles"].get("some") is None
    assert not SeenCompletion.objects.exists()
    assert not Saving.objects.exists()
    assert [(row.action, row.completion_id) for row in Reading.objects.all()] == [("erase", "chatcmpl-hers")]
    assert {"quokka"} == {*SearchWord.objects.filter(pk__in=["quokka", "zwiebelfisch"]).values_list("pk", flat=True)}
    (outcome,) = import_lines(to_lines([HERS]), replace=True)
    assert outcome.status == "erased"
    assert ids() == {"chatcmpl-other"}
    run("erase_completion", allow_again="chatcmpl-hers")
    assert [each.status for each in import_lines(to_lines([HERS]))] == ["imported"]
    with pytest.raises(CommandError, match="was not erased here"):
        run("erase_completion", allow_again="chatcmpl-hers")


def test_whoever_reads_it_while_it_is_erased_writes_no_note_and_no_verdict_on_it(reader: Client, stored: Store) -> None:
    stored(HERS)
    ErasedCompletion.objects.create(completion_id="chatcmpl-hers", by="root")  # as if after it was read
    for address, form in (
        ("note/", {"text": "A quokka"}),
        ("choices/0/verdict/", {"verdict": "good", "version": "none"}),
    ):
        answer = reader.post(f"/completions/chatcmpl-hers/{address}", form)
        assert answer.status_code == 422
        assert "This conversation was erased here" in visible(answer.text)
    assert not Note.objects.exists()
    assert not Verdict.objects.exists()


@pytest.mark.usefixtures("files_as_they_are")
@pytest.mark.django_db(transaction=True)
def test_an_import_that_is_not_finished_is_waited_for_and_erased_too() -> None:
    """In PostgreSQL two transactions do not see each other: the import no tombstone, and the erasure no conversation."""

    def erase_beside() -> None:
        try:
            erase(["chatcmpl-hers"], "root")
        finally:
            connection.close()

    erasing_beside = Thread(target=erase_beside)
    with transaction.atomic():
        assert [each.status for each in import_lines(to_lines([HERS]))] == ["imported"]
        erasing_beside.start()
        erasing_beside.join(0.5)
        assert erasing_beside.is_alive()
    erasing_beside.join()
    assert ids() == set()
    assert ErasedCompletion.objects.count() == 1


@pytest.mark.usefixtures("files_as_they_are")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["note", "share"])
def test_an_edit_that_is_not_finished_does_not_prevent_it(reader: Client, bob: User, stored: Store, what: str) -> None:
    """In PostgreSQL a person who is named meanwhile would refer to what is erased, and the erasure would fail."""
    stored(HERS)
    reader.post("/completions/chatcmpl-hers/note/", {"text": "Look"})
    reader.post("/completions/chatcmpl-hers/share/")
    failures: list[Exception] = []

    def erase_beside() -> None:
        try:
            erase(["chatcmpl-hers"], "root")
        except DatabaseError as error:
            failures.append(error)
        finally:
            connection.close()

    erasing_beside = Thread(target=erase_beside)
    note, share = Note.objects.get(), Share.objects.get()
    with transaction.atomic():
        if what == "note":
            form = {"text": "Look, @bob", "version": "first"}
            answer = reader.post(f"/completions/chatcmpl-hers/notes/{note.pk}/", form)
        else:
            answer = reader.post(f"/shares/{share.pk}/change/", {"person": "bob", "expires": "keep"})
        assert answer.status_code == 302
        erasing_beside.start()
        erasing_beside.join(0.5)
    erasing_beside.join()
    assert not failures
    assert not Note.objects.exists()
    assert not Share.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("vacuum", [True] if has_servers else [False, True])
def test_the_files_of_the_database_no_longer_hold_it(stored: Store, alice: User, tmp_path: Path, vacuum: bool) -> None:
    """In SQLite at once. In PostgreSQL after `--vacuum`; without it the space is only free for new rows."""
    stored(HERS, OTHER, *(make_completion(f"chatcmpl-{n}", say("user", f"Where is my parcel {n}?")) for n in range(50)))
    save(alice, HERS)
    StoredCompletion.objects.filter(owner=alice).update(model="zwiebelfisch-1")  # an older page of the journal has it
    Note.objects.create(completion_id="chatcmpl-hers", author=alice, text="Zwiebelfisch, as I noted")
    traced = TracedConversation.objects.create(completion_id="chatcmpl-hers")
    ReceivedSpan.objects.create(
        trace="1",
        weight=2,
        fullness=1,
        source='"Zora says Zwiebelfisch"',
        received_at=timezone.now(),
        conversation=traced,
    )
    packs = MessagePack.objects.filter(completion__completion_id="chatcmpl-hers").values_list("packed", flat=True)
    names = b"zwiebelfisch", b"Zwiebelfisch", b"chatcmpl-hers-0", b"Zora", b"zora", *map(bytes, packs)
    if has_servers:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # as autovacuum does: the planner's statistics then quote values
    assert any(name in content for name in names for content in files_of_database())
    run("erase_completion", "chatcmpl-hers", no_input=True, vacuum=vacuum)
    assert [name for name in names for content in files_of_database() if name in content] == []


@pytest.mark.skipif(not has_servers, reason="SQLite has no old rows that a transaction keeps in the file")
@pytest.mark.django_db(transaction=True)
def test_an_open_transaction_keeps_it_in_the_files_and_that_is_said(
    stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`VACUUM FULL` copies deleted rows that an older transaction may still see, and calls that success."""
    stored(HERS, OTHER)
    older = connection.copy()
    with older.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT 1")
        monkeypatch.setattr(erased, "_VACUUMS", (0,))
        assert "its files still have some of it" in run("erase_completion", "chatcmpl-hers", no_input=True, vacuum=True)
    assert any(b"Zora" in content for content in files_of_database())
    older.close()
    monkeypatch.undo()  # its process takes a moment to end
    assert "still" not in run("erase_completion", "chatcmpl-hers", no_input=True, vacuum=True)
    assert not any(b"Zora" in content for content in files_of_database())


def files_of_database() -> list[bytes]:
    """The content of the files: of SQLite's own, or of PostgreSQL's tables, indexes and statistics after a checkpoint."""
    if file := sqlite_file():
        return [path.read_bytes() for path in file.parent.glob(f"{file.name}*")]
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute(
            "SELECT current_setting('data_directory') || '/' || pg_relation_filepath(oid) FROM pg_class "
            "WHERE relkind IN ('r', 'i', 't') AND pg_relation_filepath(oid) IS NOT NULL"
        )
        return [Path(path).read_bytes() for (path,) in cursor.fetchall() if Path(path).exists()]


@pytest.mark.usefixtures("files_as_they_are")
def test_a_customer_is_erased_in_every_spelling_and_by_whomever_saved(stored: Store, alice: User) -> None:
    stored(HERS, OTHER, make_completion("chatcmpl-also", say("user", "x"), metadata={"customer_id": "ZORA"}))
    save(alice, make_completion("chatcmpl-saved", say("user", "x"), metadata={"customer_id": "zora "}))
    named = run("erase_completion", customer="zora", dry_run=True)
    assert named.endswith("3 conversations would be erased.\n")
    assert len(ids()) == 4
    run("erase_completion", customer="zora", no_input=True)
    assert ids() == {"chatcmpl-other"}


@pytest.mark.usefixtures("files_as_they_are")
def test_what_is_older_is_erased_by_day(stored: Store) -> None:
    stored(HERS, OTHER)
    run("erase_completion", before="2023-11-14", no_input=True)
    assert len(ids()) == 2
    run("erase_completion", before="2023-11-15", no_input=True)
    assert ids() == {"chatcmpl-other"}
    with pytest.raises(CommandError, match="is no date"):
        run("erase_completion", before="last year")


@pytest.mark.usefixtures("files_as_they_are")
def test_what_is_only_shared_or_being_saved_is_erased_by_customer_and_day_too(
    reader: Client, alice: User, upstream: Upstream, settings: Any
) -> None:
    """It was read from a server, and is not in the archive."""
    settings.CUSTOMER_KEY = "case"
    key = make_key(alice, base_url=upstream.base())
    ApiKey.objects.choose(alice, key)
    newer, older, begun = LIVE[:3]
    for one in (newer, older):
        assert reader.post(f"/completions/{one}/share/").status_code == 302
    moment = datetime.fromtimestamp(COMPLETIONS[newer]["created"], UTC)
    Saving.objects.create(person=alice, api_key=key, completion_id=begun, started_at=moment - timedelta(seconds=1))
    assert ids_before(moment) == [older, begun]
    assert ids_of_customer(COMPLETIONS[older]["metadata"]["case"]) == [older]
    run("erase_completion", customer=COMPLETIONS[newer]["metadata"]["case"], no_input=True)
    assert [share.completion_id for share in Share.objects.all()] == [older]


@pytest.mark.usefixtures("files_as_they_are")
def test_it_asks_first(stored: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(HERS)
    monkeypatch.setattr("builtins.input", lambda _: "y")
    with pytest.raises(CommandError, match="Nothing was erased"):
        run("erase_completion", "chatcmpl-hers")
    assert ids() == {"chatcmpl-hers"}


@pytest.mark.usefixtures("files_as_they_are")
def test_a_later_sync_leaves_out_what_was_erased(alice: User, upstream: Upstream) -> None:
    key = make_key(alice, base_url=upstream.base())
    copy(key)
    erase([LIVE[0]], "alice")
    again = copy(key)
    assert (again.state, again.copied) == (CopyRun.DONE, 0)
    assert LIVE[0] not in ids()


@pytest.mark.usefixtures("files_as_they_are")
def test_what_the_source_deleted_is_erased_if_that_was_chosen(alice: User, upstream: Upstream) -> None:
    key = make_key(alice, base_url=upstream.base())
    copy(key, FEW)
    before, gone, kept, *_ = sorted(ids())
    upstream.set("missing", [before])
    copy(key, FEW)
    label = Label.objects.create(name="Court case", key="court case", colour="red", is_keeping=True)
    CompletionLabel.objects.create(label=label, completion_id=kept)
    upstream.set("missing", [before, gone, kept])
    run = start_or_resume(key, FEW)
    run.tell_to_erase(True)
    work(run)
    assert (run.gone, run.erased) == (2, 2)  # also the one that was marked before, not the one that is kept
    assert {before, gone} & ids() == set()
    assert kept in ids()
    assert {one.by for one in ErasedCompletion.objects.all()} == {f"deleted at {urlsplit(key.base_url).netloc}"}


@pytest.mark.usefixtures("files_as_they_are")
def test_a_source_that_lists_nothing_at_all_has_nothing_erased(alice: User, upstream: Upstream) -> None:
    key = make_key(alice, base_url=upstream.base())
    copied = copy(key, FEW).copied
    upstream.set("missing", [*ids()])
    run = start_or_resume(key, FEW)
    run.tell_to_erase(True)
    work(run)
    assert (run.gone, run.erased) == (copied, 0)
    assert len(ids()) == copied


@pytest.mark.usefixtures("files_as_they_are")
def test_a_day_on_which_erasing_failed_is_tried_again(
    stored: Store, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OperationalError("database is locked")

    settings.RETENTION_DAYS = 30
    stored(HERS)
    with monkeypatch.context() as patch:
        patch.setattr(retention, "erase", fail)
        with pytest.raises(OperationalError):
            retention.apply_once_a_day()
    retention.apply_once_a_day()
    assert ids() == set()


@pytest.mark.usefixtures("files_as_they_are")
def test_old_conversations_are_erased_once_a_day(stored: Store, settings: Any) -> None:
    young = int((timezone.now() - timedelta(days=29)).timestamp())
    stored(HERS, make_completion("chatcmpl-young", say("user", "x"), created=young))
    stored(make_completion("chatcmpl-kept", say("user", "x"), created=1_500_000_000))
    keeping = Label.objects.create(name="Court case", key="court case", colour="red", is_keeping=True)
    CompletionLabel.objects.create(label=keeping, completion_id="chatcmpl-kept")
    retention.apply_once_a_day()
    assert len(ids()) == 3  # without the setting everything is kept
    settings.RETENTION_DAYS = 30
    assert "1 conversations are older than 30 days" in run("apply_retention", dry_run=True)
    retention.apply_once_a_day()
    assert ids() == {"chatcmpl-young", "chatcmpl-kept"}
    assert RetentionRun.objects.get().erased == 1
    assert ErasedCompletion.objects.get().by == "RETENTION_DAYS"
    stored(make_completion("chatcmpl-late", say("user", "x"), created=1_600_000_000))
    retention.apply_once_a_day()
    assert "chatcmpl-late" in ids()  # today's run is over
    RetentionRun.objects.update(day=datetime(2026, 1, 1, tzinfo=UTC).date())
    retention.apply_once_a_day()
    assert ids() == {"chatcmpl-young", "chatcmpl-kept"}


@pytest.mark.usefixtures("files_as_they_are")
def test_a_curator_erases_on_a_page_that_says_what_goes(reader: Client, stored: Store, bob: User) -> None:
    stored(HERS)
    another = Client()
    another.force_login(bob)
    assert another.post("/completions/chatcmpl-hers/erase/").status_code == 403
    assert has(
        reader.get("/completions/chatcmpl-hers/").content.decode(), 'a[href="/completions/chatcmpl-hers/erase/"]'
    )
    page = visible(reader.get("/completions/chatcmpl-hers/erase/").content.decode())
    assert "Zwiebelfisch quokka" in page
    assert "The team’s archive has it with 1 message." in page
    assert ids() == {"chatcmpl-hers"}
    assert reader.post("/completions/chatcmpl-hers/erase/")["Location"] == "/completions/"
    assert ids() == set()
    assert ErasedCompletion.objects.get().by == "alice"
