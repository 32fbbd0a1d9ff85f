"""A worker that is killed in the middle of an import, and two that go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.commands import command
from tests.processes import until
from tests.uploads.uploading import conversation, lines, send, wish, work
from viewer.archive.messages import count_messages
from viewer.archive.models import StoredCompletion
from viewer.uploads import files
from viewer.uploads.models import AddedCompletion, Upload

COUNT = 1_500


@pytest.fixture
def browser(transactional_db: None, alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def test_after_a_kill_two_workers_import_the_rest_and_nothing_twice(browser: Client) -> None:
    upload = send(browser, lines(*map(conversation, range(COUNT))))
    work()
    wish(browser, upload, "import")
    with command("work", "--until-stdin-closes") as process:
        until(StoredCompletion.objects.exists)
        process.kill()
        process.wait()
    upload.refresh_from_db()
    stored = StoredCompletion.objects.count()
    assert upload.state == "importing"
    assert upload.position == upload.imported == stored == AddedCompletion.objects.count() < COUNT
    assert upload.position == sum(1 for one in StoredCompletion.objects.all() if count_messages(one) == 1)
    Upload.objects.update(lease_until=timezone.now() - timedelta(seconds=1))  # what time does, at once
    with command("work", "--until-stdin-closes"), command("work", "--until-stdin-closes"):
        until(lambda: Upload.objects.get(pk=upload.pk).state == "done")
        until(lambda: not files.path_of(upload.pk).exists())  # it is deleted after the state is committed
    upload.refresh_from_db()
    assert upload.outcomes == {"imported": COUNT}
    assert StoredCompletion.objects.count() == COUNT
