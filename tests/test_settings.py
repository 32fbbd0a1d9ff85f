"""The README's table of settings names what settings.py reads, with the same defaults; wrong values stop the start."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_the_readme_documents_every_setting_and_no_other() -> None:
    read = set(
        re.findall(r'(?:_bool|_int|_kept_secret|env\.\w+)\(\s*"([A-Z_]+)"', (ROOT / "viewer/settings.py").read_text())
    )
    section = (ROOT / "README.md").read_text().split("## Settings")[1].split("\n## ")[0]
    documented = re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE)
    assert sorted(documented) == sorted(read)


def check(tmp_path: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data"), **settings}
    command = [sys.executable, "manage.py", "check", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "yes"),
        ("DEMO", "1"),
        ("PORT", "http"),
        ("PORT", "70000"),
        ("SITE_URL", "lectern.example"),
        ("TRUSTED_PROXIES", "-1"),
    ],
)
def test_a_setting_that_is_not_understood_stops_the_start_with_one_sentence(
    tmp_path: Path, name: str, value: str
) -> None:
    done = check(tmp_path, **{name: value})
    assert done.returncode == 1
    assert done.stderr.startswith(f"lectern: {name} is '{value}'")
    assert len(done.stderr.splitlines()) == 1


def test_an_unwritable_data_dir_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = check(tmp_path, DATA_DIR=str(tmp_path / "file" / "data"))
    assert done.returncode == 1
    assert done.stderr.startswith(f"lectern: DATA_DIR {tmp_path}/file/data cannot be made")


def test_the_deployment_check_is_clean_behind_tls(tmp_path: Path) -> None:
    assert check(tmp_path, "--deploy", "--fail-level", "WARNING", SITE_URL="https://lectern.example").returncode == 0


def test_secrets_are_made_once_for_this_user_alone_or_read_from_a_file(tmp_path: Path) -> None:
    check(tmp_path)
    made = tmp_path / "data" / "secret_key"
    secret = made.read_text()
    assert len(secret) >= 50
    assert made.stat().st_mode & 0o777 == 0o600
    assert made.parent.stat().st_mode & 0o777 == 0o700
    check(tmp_path)
    assert made.read_text() == secret
    (tmp_path / "given").write_text("from-a-file")
    code = "from viewer import settings; print(settings.SECRET_KEY)"
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(tmp_path / "d"),
        "SECRET_KEY_FILE": str(tmp_path / "given"),
    }
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "from-a-file"
