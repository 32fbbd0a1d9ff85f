"""What a curator does with a file, and the worker after it."""

from __future__ import annotations

import json
from threading import Event
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.conftest import make_completion, say
from viewer.uploads import files
from viewer.uploads.models import Upload
from viewer.uploads.worker import work_on


def conversation(number: int, said: str = "Where is my parcel?") -> dict[str, Any]:
    return make_completion(f"chatcmpl-{number}", say("user", said))


def lines(*completions: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(one)}\n" for one in completions)


def send(browser: Client, text: str, name: str = "export.jsonl") -> Upload:
    """Send a file as a form does, and return its upload."""
    file = SimpleUploadedFile(name, text.encode())
    answer = browser.post("/uploads/", {"file": file, "end": "whole"})
    assert answer.status_code == 302, answer.text
    return Upload.objects.latest("pk")


def work() -> None:
    """Do what a worker does with the next upload."""
    upload = Upload.objects.claim(files.place())
    assert upload
    work_on(upload, Event())


def wish(browser: Client, upload: Upload, wish: str, **more: str) -> str:
    """Press a button on the page of an upload, and return the page that follows."""
    return browser.post(f"/import/{upload.pk}/", {"wish": wish, **more}, follow=True).text


def bring_in(browser: Client, text: str, **more: str) -> Upload:
    """Send a file, have it read, and import it."""
    upload = send(browser, text)
    work()
    wish(browser, upload, "import", **more)
    work()
    upload.refresh_from_db()
    return upload
