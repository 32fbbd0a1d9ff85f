"""A file is dropped, looked at, imported and taken back, watched in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.browser.reading import Held
from tests.uploads.uploading import conversation, lines, work


def test_a_file_is_sent_in_parts_and_the_page_follows_it_by_itself(
    page: Page, site: str, alice: User, tmp_path: Path, settings: Any
) -> None:
    settings.DATA_DIR = tmp_path
    file = tmp_path / "export.jsonl"
    file.write_text(lines(conversation(1), conversation(2)) + f'{{"long": "{"x" * 9_000_000}"}}\n')
    page.goto(f"{site}/import/")
    assert Axe().run(page).response["violations"] == []
    page.get_by_label("Choose a file, or drop it here").set_input_files(file)
    upload = page.locator("[data-upload]")
    expect(upload).to_have_attribute("data-upload", "reading")
    work()
    expect(upload).to_have_attribute("data-upload", "preview")
    expect(page.locator("article[data-message-id]")).to_contain_text("Where is my parcel?")
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Import 2 conversations").press("Enter")
    expect(upload).to_have_attribute("data-upload", "importing")
    work()
    expect(upload).to_have_attribute("data-upload", "done")
    page.get_by_role("button", name="Undo this import").press("Enter")
    expect(upload).to_have_attribute("data-upload", "undoing")
    work()
    expect(upload).to_contain_text("2 conversations are as they were before the import.")


def test_a_file_that_is_chosen_before_the_script_has_come_is_sent_by_the_button(
    page: Page, site: str, tmp_path: Path, settings: Any
) -> None:
    settings.DATA_DIR = tmp_path
    file = tmp_path / "export.jsonl"
    file.write_text(lines(conversation(1)))
    script = Held(page, "uploads")
    page.goto(f"{site}/import/", wait_until="commit")
    page.get_by_label("Choose a file, or drop it here").set_input_files(file)
    script.let_go()
    page.wait_for_load_state()
    page.get_by_role("button", name="Upload").first.press("Enter")
    expect(page.locator("[data-upload]")).to_have_attribute("data-upload", "reading")
