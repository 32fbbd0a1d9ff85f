"""A file from its upload to the way back: what is said before, what is stored, and what is left of it."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tests.conftest import make_completion, say
from tests.pages import elements, has, message_ids, texts, visible
from tests.said import said_in
from tests.uploads.uploading import bring_in, conversation, lines, send, wish, work
from viewer.accounts.roles import READER, give_role
from viewer.archive import importing
from viewer.archive.models import CompletionLabel, Label, StoredCompletion
from viewer.erasure import erasing
from viewer.uploads import cleaning, files, receiving, views
from viewer.uploads import work as working
from viewer.uploads.models import FirstMessage, ReplacedCompletion, Upload, WaitingCompletion

Store = Callable[..., Any]
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "uploads"


def kept_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name not in ("place", "preparing.lock"))


def ids() -> set[str]:
    return set(StoredCompletion.objects.values_list("completion_id", flat=True))


def figures(page: str) -> dict[str, str]:
    return {one.attributes["data-figure"] or "": texts(one, "dd")[0] for one in elements(page, "[data-figure]")}


def test_before_anything_is_stored_the_page_says_what_is_in_the_file(reader: Client, stored: Store) -> None:
    stored(conversation(1), conversation(2), conversation(3))
    erasing.erase_stored(["chatcmpl-3"], "alice")
    changed = conversation(2, "Where is my money?")
    refused = '{"a": 1}\n{"a": 2}\n'
    new = make_completion("chatcmpl-new", say("user", [{"type": "image_url", "image_url": {"url": PNG}}]))
    upload = send(reader, lines(new, new, conversation(1), changed, conversation(3)) + refused)
    assert "Reading" in visible(reader.get(f"/import/{upload.pk}/").text)
    work()
    page = reader.get(f"/import/{upload.pk}/").text
    assert figures(page) == {"new": "1", "known": "2", "changed": "1", "refused": "2"}
    assert "1 conversation was erased here for good" in visible(page)
    assert [words for words in texts(page, "[data-refusal]") if "2 times: line 6; line 7" in words]
    assert message_ids(page) == ["chatcmpl-new-0"]
    (image,) = [one.attributes["src"] for one in elements(page, "article img")]
    assert reader.get(image).headers["Content-Type"] == "image/png"
    assert "You are welcome." in visible(page)
    assert ids() == {"chatcmpl-1", "chatcmpl-2"}


def test_an_import_stores_what_is_new_and_leaves_no_file(reader: Client, stored: Store, folder: Path) -> None:
    stored(conversation(1))
    upload = bring_in(reader, lines(conversation(1, "changed"), conversation(2)))
    assert (upload.state, upload.outcomes) == ("done", {"kept": 1, "imported": 1})
    page = reader.get(f"/import/{upload.pk}/").text
    assert has(page, 'main a[href="/completions/chatcmpl-2/"]')
    assert kept_files(folder) == []
    assert not WaitingCompletion.objects.exists()
    assert not FirstMessage.objects.exists()


def test_undoing_leaves_the_archive_as_it_was(reader: Client, stored: Store) -> None:
    before = conversation(1, "as it was")
    stored(before)
    upload = bring_in(reader, lines(conversation(1, "changed"), conversation(2)), changed="replace")
    assert "changed" in said_in(completion_id="chatcmpl-1")[0][1]
    page = wish(reader, upload, "undo")
    assert has(page, '[data-upload="undoing"]')
    work()
    assert "2 conversations are as they were before" in visible(reader.get(f"/import/{upload.pk}/").text)
    assert ids() == {"chatcmpl-1"}
    assert "as it was" in said_in()[0][1]
    (outcome,) = stored(before)
    assert outcome.status == "unchanged"
    assert "as it was" in visible(reader.get("/completions/chatcmpl-1/").text)
    assert not ReplacedCompletion.objects.exists()


def test_what_colleagues_worked_on_stays_and_what_changed_since_too(reader: Client, stored: Store) -> None:
    upload = bring_in(reader, lines(conversation(1), conversation(2), conversation(3)))
    label = Label.objects.create(name="Mine", key="mine", colour="red")
    CompletionLabel.objects.create(label=label, completion_id="chatcmpl-1")
    stored(conversation(2, "newer"), replace=True)
    assert "1 conversation was replaced or erased since" in visible(reader.get(f"/import/{upload.pk}/").text)
    wish(reader, upload, "undo")
    work()
    assert "1 stays, because a colleague has" in visible(reader.get(f"/import/{upload.pk}/").text)
    assert ids() == {"chatcmpl-1", "chatcmpl-2"}


def test_after_a_day_nothing_can_be_undone_and_nothing_waits(reader: Client, folder: Path) -> None:
    upload, waiting = bring_in(reader, lines(conversation(1)), changed="replace"), send(reader, lines(conversation(2)))
    yesterday = timezone.now() - timedelta(hours=25)
    Upload.objects.update(finished_at=yesterday, asked_at=yesterday)
    (folder / "999.upload").touch()
    cleaning.delete_old_files()
    assert not Upload.objects.filter(pk=waiting.pk).exists()
    assert kept_files(folder) == []
    assert not has(reader.get(f"/import/{upload.pk}/").text, "#undo")
    wish(reader, upload, "undo")
    assert ids() == {"chatcmpl-1"}


def test_erasing_a_conversation_deletes_the_files_that_have_it(
    reader: Client, folder: Path, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr(erasing, "purge", lambda: True)
    other, upload = send(reader, lines(conversation(1))), send(reader, lines(conversation(2), conversation(3)))
    work()
    work()
    with django_capture_on_commit_callbacks(execute=True):
        erasing.erase(["chatcmpl-3"], "alice")
    assert "was erased for good, so the file was deleted" in visible(reader.get(f"/import/{upload.pk}/").text)
    assert kept_files(folder) == [f"{other.pk}.upload"]
    assert not FirstMessage.objects.filter(upload=upload).exists()


def test_what_is_erased_while_the_file_is_read_reaches_it_too(
    reader: Client, folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    upload = send(reader, lines(conversation(1)))
    erasing.erase_stored(["chatcmpl-1"], "alice")
    with django_capture_on_commit_callbacks(execute=True):
        work()
    upload.refresh_from_db()
    assert (upload.state, upload.problem, kept_files(folder)) == ("failed", "erased", [])


def test_a_stopped_import_goes_on_where_it_was(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_BATCH_LINES", "_SQLITE_BATCH_LINES"):
        monkeypatch.setattr(importing, name, 3)
    upload = send(reader, lines(*map(conversation, range(8))))
    work()
    wish(reader, upload, "import")
    import_all = working.import_all

    def stop_after_the_first_batch(*args: Any, **options: Any) -> Iterator[Any]:
        for number, outcome in enumerate(import_all(*args, **options)):
            if number == 2:
                wish(reader, upload, "stop")
            yield outcome

    with monkeypatch.context() as patch:
        patch.setattr(working, "import_all", stop_after_the_first_batch)
        work()
    page = reader.get(f"/import/{upload.pk}/").text
    assert has(page, '[data-upload="stopped"] #continue')
    assert has(page, "#undo")
    upload.refresh_from_db()
    assert upload.position == upload.imported == StoredCompletion.objects.count() == 3
    wish(reader, upload, "continue")
    work()
    upload.refresh_from_db()
    assert (upload.state, upload.outcomes) == ("done", {"imported": 8})


def test_a_file_that_is_read_otherwise_after_an_upgrade_is_read_from_its_beginning(reader: Client) -> None:
    upload = send(reader, lines(*map(conversation, range(3))))
    work()
    Upload.objects.update(state="importing", position=2, position_place="export.jsonl line 1", outcomes={"imported": 2})
    work()
    assert ids() == {"chatcmpl-0", "chatcmpl-1", "chatcmpl-2"}
    assert has(reader.get(f"/import/{upload.pk}/").text, '[data-upload="done"]')


def test_nobody_imports_who_no_longer_may(reader: Client, alice: User) -> None:
    send(reader, lines(conversation(1)))
    give_role(alice, READER)
    assert Upload.objects.claim(files.place()) is None


def test_a_file_is_read_where_it_is_and_by_one_worker(reader: Client) -> None:
    send(reader, lines(conversation(1)))
    assert Upload.objects.claim(uuid4()) is None
    assert Upload.objects.claim(files.place())
    assert Upload.objects.claim(files.place()) is None


@pytest.mark.parametrize(
    ("cause", "said"), [(errno.ENOSPC, "There is no room for this file"), (errno.EACCES, "cannot write to its folder")]
)
def test_a_disk_that_takes_nothing_is_a_sentence(
    reader: Client, folder: Path, monkeypatch: pytest.MonkeyPatch, cause: int, said: str
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(cause, "")

    monkeypatch.setattr(receiving.files, "create", fail)
    answer = reader.post("/import/", {"name": "a.json", "size": "5", "modified": "1"})
    assert answer.status_code == 422
    assert said in answer.json()["error"]
    monkeypatch.setattr(receiving._Handler, "receive_data_chunk", fail)
    sent = reader.post("/uploads/", {"file": SimpleUploadedFile("a.json", b"{}"), "end": "whole"})
    assert (sent.status_code, said in visible(sent.text), kept_files(folder)) == (422, True, [])
    assert not Upload.objects.exists()


def test_parts_follow_each_other_whatever_breaks_off(reader: Client, folder: Path) -> None:
    told = {"name": "a.jsonl", "size": "10", "modified": "7"}
    one = reader.post("/import/", told).json()

    def part(offset: int, body: bytes) -> tuple[int, Any]:
        answer = reader.post(f"/uploads/{one['id']}/?from={offset}", body, content_type="application/octet-stream")
        return answer.status_code, answer.json()

    assert part(0, b"0123") == (200, {"received": 4})
    assert part(0, b"0123") == (409, {"received": 4})
    assert part(5, b"xx") == (409, {"received": 4})
    assert part(4, b"x" * 7)[0] == 422
    assert reader.post("/import/", told).json() == {"id": one["id"], "received": 4}, "the same file goes on"
    assert part(4, b"456789") == (200, {"received": 10})
    file = folder / f"{one['id']}.upload"
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"0123456789", 0o600)
    assert Upload.objects.get().state == "reading"


def test_a_part_at_another_machine_is_told_apart_from_a_part_that_is_lost(reader: Client) -> None:
    one = reader.post("/import/", {"name": "a.jsonl", "size": "10", "modified": "7"}).json()
    files.delete(one["id"])
    answer = reader.post(f"/uploads/{one['id']}/?from=0", b"0123", content_type="application/octet-stream")
    assert answer.status_code == 421


def test_a_form_that_breaks_off_leaves_nothing(reader: Client, folder: Path) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n{"messages": ['
    answer = reader.post("/uploads/", body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 422
    assert "broke off" in visible(answer.text)
    assert kept_files(folder) == []
    assert not Upload.objects.exists()


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(reader: Client) -> None:
    answer = reader.post("/import/", {"name": "a.json", "size": "2000000001", "modified": "1"})
    assert answer.status_code == 422
    assert "larger than 2.0 GB" in answer.json()["error"]
    sent = reader.post("/uploads/", b"", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH="3000000000")
    assert "larger than 2.0 GB" in visible(sent.text)


def test_nothing_is_taken_from_other_sites(alice: User, folder: Path) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    file = SimpleUploadedFile("a.jsonl", lines(conversation(1)).encode())
    assert strict.post("/uploads/", {"file": file, "end": "whole"}).status_code == 403
    part = Upload.objects.create(person=alice, size=4, place=files.place())
    files.create(part.pk)
    sent = strict.post(f"/uploads/{part.pk}/?from=0", b"0123", content_type="application/octet-stream")
    assert sent.status_code == 403
    assert kept_files(folder) == [f"{part.pk}.upload"]
    assert not files.path_of(part.pk).read_bytes()


def test_pasted_json_is_read_like_a_file(reader: Client) -> None:
    reader.post("/uploads/", {"text": lines(conversation(1)), "end": "whole"})
    work()
    upload = Upload.objects.get()
    assert (upload.new, upload.name) == (1, "")


def test_a_file_that_is_read_by_its_path_is_found(reader: Client, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as database:
        database.execute("CREATE TABLE things (n)")
    reader.post("/uploads/", {"file": (tmp_path / "a.sqlite").open("rb"), "end": "whole"})
    work()
    assert "Its tables: things" in visible(reader.get(f"/import/{Upload.objects.get().pk}/").text)


def test_a_tool_is_found_by_its_first_letter(reader: Client) -> None:
    """A hundred names in one column are five screens of a phone."""
    page = reader.get("/import/").text
    by_letter = dict(zip(texts(page, ".tools dt"), texts(page, ".tools dd"), strict=True))
    assert "tawk.to, Telegram, Twilio Conversations" in by_letter["T"]
    assert "LibreChat, LINE, LiteLLM" in by_letter["L"]
    assert list(by_letter) == sorted(by_letter)


def test_where_nothing_can_be_read_the_page_says_what_it_looks_like(reader: Client, folder: Path) -> None:
    upload = send(reader, "%PDF-1.7", name="a.pdf")
    work()
    page = visible(reader.get(f"/import/{upload.pk}/").text)
    assert "Nothing in it can be imported" in page
    assert "This is a PDF" in page
    assert kept_files(folder) == []
    assert "This is a PDF" in visible(reader.get("/import/").text)
    send(reader, "[]")
    work()
    assert "There is nothing in the file" in visible(reader.get("/import/").text)


def test_the_page_of_an_import_leads_to_everything_that_it_added(
    reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "_MAX_ADDED", 2)
    upload = bring_in(reader, lines(*(conversation(n) for n in range(5))))
    found, address = list[str](), ""
    for _ in range(3):
        page = reader.get(f"/import/{upload.pk}/{address}").text
        found += [one.attributes["href"] or "" for one in elements(page, ".added a")]
        address = next((one.attributes["href"] or "" for one in elements(page, "a[href^='?after']")), "")
    assert found == [f"/completions/chatcmpl-{n}/" for n in range(5)]
    assert not address
