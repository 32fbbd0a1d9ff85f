"""The files of the version before stay for a while, and nothing is missing for a moment."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from viewer.web import static_files


@pytest.fixture
def root(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, and a collecting that takes no seconds: the bundles alone, hashed."""
    settings.DATA_DIR, settings.STATIC_ROOT = tmp_path, tmp_path / "static"
    settings.STATICFILES_FINDERS = ["viewer.web.bundles.BundleFinder"]
    backend = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": backend}}
    monkeypatch.setattr(static_files, "_digest", lambda: "the first version")
    static_files.collect()
    return tmp_path / "static"


def hashed(root: Path) -> Path:
    return next(root.glob("desk.*.js"))


def test_an_upgrade_keeps_the_files_of_the_version_before_for_some_weeks(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hashed(root)
    long_ago = time.time() - 100 * 24 * 60 * 60
    os.utime(before, (long_ago, long_ago))  # collected long ago, and in use until now
    forgotten = root / "app.000000000000.css"
    forgotten.write_text("")
    os.utime(forgotten, (long_ago, long_ago))
    monkeypatch.setattr(static_files, "_digest", lambda: "the second version")
    monkeypatch.setattr("viewer.web.bundles._join", lambda path: "second()")
    static_files.collect()
    assert before.exists()
    assert len(list(root.glob("desk.*.js"))) == 2
    assert not forgotten.exists()


def test_files_that_are_gone_are_collected_again_and_others_are_left_alone(root: Path) -> None:
    made = hashed(root).stat().st_mtime_ns
    static_files.collect()
    assert hashed(root).stat().st_mtime_ns == made
    hashed(root).unlink()
    static_files.collect()
    assert hashed(root).exists()


def test_files_are_collected_again_when_the_code_that_joins_them_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = static_files._digest()
    (tmp_path / "bundles.py").write_text("changed")
    monkeypatch.setattr(static_files.bundles, "__file__", str(tmp_path / "bundles.py"))
    assert static_files._digest() != before


def test_the_state_of_the_files_does_not_hang_on_where_the_checkout_lies(settings: Any, tmp_path: Path) -> None:
    states = []
    for place in ("here", "there"):
        settings.BASE_DIR = tmp_path / place
        (settings.BASE_DIR / "static" / "css").mkdir(parents=True)
        (settings.BASE_DIR / "static" / "css" / "a.css").write_text("a {}")
        states.append(static_files._digest())
    assert states[0] == states[1]
    (settings.BASE_DIR / "static" / "css" / "a.css").write_text("b {}")
    assert static_files._digest() != states[0]


def test_files_are_collected_again_when_they_are_joined_in_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = static_files._digest()
    changed = tmp_path / "bundles.py"
    changed.write_text("BUNDLES = {}")
    monkeypatch.setattr("viewer.web.bundles.__file__", str(changed))
    assert static_files._digest() != before
