"""What becomes of files in a folder that is watched: each is imported once, moved, and has a note."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError

from tests.conftest import make_completion, say
from viewer.archive import importing
from viewer.archive.models import StoredCompletion
from viewer.operations import watching
from viewer.operations.watching import WatchedFolder

pytestmark = pytest.mark.django_db


@pytest.fixture
def watched(tmp_path: Path) -> WatchedFolder:
    folder = tmp_path / "in"
    folder.mkdir()
    one = WatchedFolder(folder, 0.0, False)
    one.prepare()
    return one


def lines(*ids: str) -> str:
    return "\n".join(json.dumps(make_completion(each, say("user", "hi"))) for each in ids)


def found(folder: Path) -> set[str]:
    """Name what is in a folder, but not in our own."""
    return {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and ".lectern" not in path.parts
    }


def test_what_was_read_is_in_done_and_what_was_not_in_refused_each_with_a_note(watched: WatchedFolder) -> None:
    (watched.folder / "good.jsonl").write_text(lines("c-1", "c-2"))
    (watched.folder / "bad.jsonl").write_text(f"{lines('c-3')}\nnonsense")
    (watched.folder / "nothing.json").write_text("")
    session = watched.folder / "session"
    session.mkdir()
    for name in ("a", "b"):
        (session / f"{name}.json").write_text(lines(name))
    watched.look(Event())
    notes = ("good.jsonl", "bad.jsonl", "nothing.json", "session")
    moved = {
        "done/good.jsonl",
        "refused/bad.jsonl",
        "refused/nothing.json",
        "done/session/a.json",
        "done/session/b.json",
    }
    assert found(watched.folder) == moved | {
        f"{'done' if name in ('good.jsonl', 'session') else 'refused'}/{name}.note.txt" for name in notes
    }
    assert set(StoredCompletion.objects.values_list("completion_id", flat=True)) == {"c-1", "c-2", "c-3", "a", "b"}
    told = (watched.folder / "refused" / "bad.jsonl.note.txt").read_text()
    assert "1 imported, 0 already there, 0 replaced, 0 kept as they were, 1 refused." in told
    assert "bad.jsonl, line 2: not a JSON object" in told


def test_a_name_that_exists_is_not_overwritten(watched: WatchedFolder) -> None:
    for text in (lines("c-1"), lines("c-2")):
        (watched.folder / "day.jsonl.gz").write_text(text)
        watched.look(Event())
    done = watched.folder / "done"
    assert (done / "day.jsonl.gz").read_text() == lines("c-1")
    assert (done / "day-2.jsonl.gz").read_text() == lines("c-2")
    assert "1 imported" in (done / "day-2.jsonl.gz.note.txt").read_text()


def test_what_is_still_being_written_is_left(watched: WatchedFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(watching, "monotonic", lambda: clock[0])
    watched.quiet = 5.0
    growing, session = watched.folder / "growing.jsonl", watched.folder / "session"
    growing.write_text(lines("c-1"))
    session.mkdir()
    (session / "a.json").write_text(lines("a"))
    (session / "b.json.part").write_text("")
    (watched.folder / "c.json.tmp").write_text(lines("c"))
    left = found(watched.folder)
    for more in ("", f"\n{lines('c-2')}"):
        with growing.open("a") as file:
            file.write(more)
        watched.look(Event())
        assert found(watched.folder) == left
        clock[0] += 4
    clock[0] += 2
    watched.look(Event())
    assert found(watched.folder) == left - {"growing.jsonl"} | {"done/growing.jsonl", "done/growing.jsonl.note.txt"}
    assert StoredCompletion.objects.count() == 2


def test_links_are_not_followed_and_named(watched: WatchedFolder, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jsonl"
    secret.write_text(lines("secret"))
    (watched.folder / "link.jsonl").symlink_to(secret)
    session = watched.folder / "session"
    session.mkdir()
    (session / "a.json").write_text(lines("a"))
    (session / "inside.json").symlink_to(secret)
    (session / "folder").symlink_to(tmp_path)
    watched.look(Event())
    assert [*StoredCompletion.objects.values_list("completion_id", flat=True)] == ["a"]
    refused = watched.folder / "refused"
    assert "It is a link" in (refused / "link.jsonl.note.txt").read_text()
    told = (refused / "session.note.txt").read_text()
    assert "session/folder; session/inside.json: This is a link" in told
    assert secret.exists()


def test_what_cannot_be_read_is_named(watched: WatchedFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    (watched.folder / "locked.jsonl").write_text(lines("c"))
    open_ = os.open

    def open_unless_locked(path: Any, *rest: Any, **options: Any) -> int:
        if Path(path).name == "locked.jsonl":  # root could read a file that nobody may read
            raise PermissionError(errno.EACCES, "Permission denied")
        return open_(path, *rest, **options)

    monkeypatch.setattr(os, "open", open_unless_locked)
    watched.look(Event())
    assert "It cannot be read: Permission denied." in (watched.folder / "refused/locked.jsonl.note.txt").read_text()


def test_after_a_kill_the_next_process_completes_what_was_begun(watched: WatchedFolder) -> None:
    """A file stands in our folder as `kill -9` leaves it: before its import, and between its move and that of its note."""
    ours = watched.folder / ".lectern"
    (ours / "now" / "begun.jsonl").write_text(lines("c-1", "c-2"))
    (ours / "done" / "begun.jsonl.note.txt").write_text("of an import that did not end")
    (watched.folder / "done" / "moved.jsonl").write_text("")
    (ours / "done" / "moved.jsonl.note.txt").write_text("imported")
    again = WatchedFolder(watched.folder, 0.0, False)
    again.look(Event())
    assert found(watched.folder) == {
        f"done/{name}.jsonl{ending}" for name in ("begun", "moved") for ending in ("", ".note.txt")
    }
    assert (watched.folder / "done" / "moved.jsonl.note.txt").read_text() == "imported"
    assert "2 imported" in (watched.folder / "done" / "begun.jsonl.note.txt").read_text()


def test_a_signal_ends_it_after_a_batch_and_what_failed_is_tried_again(
    watched: WatchedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_BATCH_LINES", 20)
    monkeypatch.setattr(importing, "_SQLITE_BATCH_LINES", 20)
    many = [f"c-{n}" for n in range(50)]
    (watched.folder / "many.jsonl").write_text(lines(*many))
    stopping = Event()
    taken = WatchedFolder._take

    def take(self: WatchedFolder, name: str, stop: Event) -> None:
        stop.set()
        taken(self, name, stop)

    with monkeypatch.context() as patch:
        patch.setattr(WatchedFolder, "_take", take)
        watched.look(stopping)
    begun = StoredCompletion.objects.count()
    assert 0 < begun < len(many)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr("viewer.archive.reports.import_all", fail)
        watched.look(Event())
    assert found(watched.folder) == {"many.jsonl"}
    assert watched.failed == 1
    watched.look(Event())
    told = (watched.folder / "done" / "many.jsonl.note.txt").read_text()
    assert f"{len(many) - begun} imported, {begun} already there" in told


def test_one_process_at_a_time_works_in_a_folder(watched: WatchedFolder) -> None:
    (watched.folder / "a.jsonl").write_text(lines("a"))
    with (watched.folder / ".lectern" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        watched.look(Event())
        assert found(watched.folder) == {"a.jsonl"}
    watched.look(Event())
    assert "done/a.jsonl" in found(watched.folder)


def test_the_command_looks_once_and_says_by_its_status_whether_something_was_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(lines("a"))
    call_command("watch_folder", str(tmp_path), "--once", "--quiet", "0")
    (tmp_path / "b.jsonl").write_text("nonsense")
    with pytest.raises(SystemExit):
        call_command("watch_folder", str(tmp_path), "--once", "--quiet", "0")
    assert {"done/a.jsonl", "refused/b.jsonl"} <= found(tmp_path)
    for folder, reason in ((tmp_path / "none", "is not a folder"), (settings.DATA_DIR.parent, "Lectern's own files")):
        with pytest.raises(CommandError, match=reason):
            call_command("watch_folder", str(folder), "--once")
