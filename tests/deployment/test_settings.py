"""The table in docs/settings.md names what settings.py reads; wrong values stop the start."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.processes import ROOT, SECRETS, manage
from viewer.deployment.environment import RENAMED
from viewer.deployment.site_url import is_loopback, read_site_url


def test_every_setting_is_documented_and_no_other() -> None:
    source = (ROOT / "viewer/settings.py").read_text() + (ROOT / "viewer/deployment/environment.py").read_text()
    read = set(re.findall(r'(?:_bool|_int|_secret|env\.\w+)\(\s*"([A-Z_]+)"', source))
    section = (ROOT / "docs" / "settings.md").read_text()
    documented = re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE)
    assert sorted(documented) == sorted(read)


def check(data: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return manage(data, "check", *arguments, **SECRETS | settings)


def read_settings(data: Path, name: str, **settings: str) -> str:
    """Give a setting as a process reads it that is no command, such as the server."""
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(data), **settings}
    code = [sys.executable, "-c", f"import os; os.umask(0o022); from viewer import settings; print(settings.{name})"]
    return subprocess.run(code, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout.rstrip(
        "\n"
    )


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_renamed_setting_keeps_its_old_name_for_one_version(tmp_path: Path, old: str, new: str) -> None:
    constant = {"UPSTREAM_MAX_MB": "UPSTREAM_MAX_BYTES"}.get(new, new)
    value, read = ("false", "False") if old == "COPY_WORKER" else ("3", {"UPSTREAM_MAX_MB": "3000000"}.get(new, "3"))
    assert read_settings(tmp_path, constant, **{old: value}) == read
    file = tmp_path / "value"
    file.write_text(value)
    assert read_settings(tmp_path, constant, **{f"{old}_FILE": str(file)}) == read
    both = {old: value, new: "true" if old == "COPY_WORKER" else "4"}
    assert read_settings(tmp_path, constant, **both) != read
    assert f"| {old} | `{new}` |" in (ROOT / "docs" / "settings.md").read_text()


def test_an_empty_data_dir_is_the_default_and_not_the_folder_in_which_one_stands(tmp_path: Path) -> None:
    code = "import sys; sys.argv = ['manage.py', 'check']; from viewer.deployment import data_dir; data_dir.open_folder = print"
    command = [sys.executable, "-c", f"import sys; sys.path.append({str(ROOT)!r}); {code}; from viewer import settings"]
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[0] == str(ROOT / "data")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "yes"),
        ("DEMO", "1"),
        ("OIDC_ISSUER", "http://login.example"),
        ("OIDC_ISSUER", "login.example"),
        ("PORT", "http"),
        ("PORT", "70000"),
        ("SECOND_FACTOR", "true"),
        ("SITE_URL", "lectern.example"),
        ("TRUSTED_PROXIES", "-1"),
        ("UPSTREAM_CA", "/nowhere.pem"),
        ("REQUESTS_CA_BUNDLE", "/nowhere.pem"),
    ],
)
def test_a_setting_that_is_not_understood_stops_the_start_with_one_sentence(
    tmp_path: Path, name: str, value: str
) -> None:
    done = check(tmp_path, **{name: value})
    assert done.returncode == 1
    assert done.stderr.startswith(f"lectern: {name} is '{value}'")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_what_would_give_away_a_public_site_stops_the_start(tmp_path: Path) -> None:
    public = {"SITE_URL": "https://lectern.example"}
    for unsafe, said in (({"DEBUG": "true"}, "lectern: DEBUG shows"), ({"SECRET_KEY": "short"}, "lectern: SECRET_KEY")):
        done = check(tmp_path, **public, **unsafe)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert done.stderr.startswith(said)
        assert read_settings(tmp_path, "SITE_URL", **unsafe)  # on the loopback it is for developers


@pytest.mark.parametrize("entry", ["*", "a;b", "http://api.openai.com", "[::1", "host/v1"])
def test_an_api_host_that_is_not_understood_stops_the_start_with_one_sentence(tmp_path: Path, entry: str) -> None:
    done = check(tmp_path, API_HOSTS=f"api.openai.com,{entry}")
    assert done.returncode == 1
    assert done.stderr.startswith(f"lectern: API_HOSTS: '{entry}' ")
    assert len(done.stderr.splitlines()) == 1


def test_a_file_without_certificates_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    done = check(tmp_path, UPSTREAM_CA=str(tmp_path / "ca.pem"))
    assert done.returncode == 1
    assert done.stderr.startswith(f"lectern: UPSTREAM_CA is '{tmp_path}/ca.pem', which holds no certificates")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["UPSTREAM_CA", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_folder_of_certificates_needs_their_hashes(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "authorities"
    folder.mkdir()
    (folder / "authority.pem").write_text("a certificate")
    done = check(tmp_path, **{name: str(folder)})
    assert done.returncode == 1
    assert done.stderr.startswith(f"lectern: {name} is '{folder}', a folder without certificates under their hashes")
    assert "openssl rehash" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    (folder / "0123abcd.0").symlink_to("authority.pem")
    assert read_settings(tmp_path, "UPSTREAM_CA", **{name: str(folder)}) == str(folder)


def test_an_unwritable_data_dir_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = manage(tmp_path / "file" / "data", "start")
    assert done.returncode == 1
    assert done.stderr.startswith(f"lectern: DATA_DIR {tmp_path}/file/data cannot be made")


@pytest.mark.slow
def test_the_deployment_check_is_clean_behind_tls(tmp_path: Path) -> None:
    assert check(tmp_path, "--deploy", "--fail-level", "WARNING", SITE_URL="https://lectern.example").returncode == 0


def test_secrets_are_made_once_for_this_user_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    secret = read_settings(data, "SECRET_KEY")
    made = data / "secret_key"
    assert made.read_text() == secret
    assert len(secret) >= 50
    assert made.stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o777 == 0o700
    assert read_settings(data, "SECRET_KEY") == secret


@pytest.mark.parametrize("kept", ["", "short"])
@pytest.mark.parametrize("name", ["secret_key", "key_encryption_keys"])
def test_a_secret_that_was_cut_short_is_named_with_what_to_do(tmp_path: Path, name: str, kept: str) -> None:
    read_settings(tmp_path, "SECRET_KEY")
    (tmp_path / name).write_text(kept)
    done = manage(tmp_path, "check")
    assert done.returncode == 1
    assert done.stderr.startswith(f"lectern: {tmp_path / name} is {'too short' if kept else 'empty'}. Restore it")
    assert len(done.stderr.splitlines()) == 1


def test_a_value_read_from_a_file_loses_its_last_newline_and_no_more(tmp_path: Path) -> None:
    file = tmp_path / "given"
    file.write_text(" from a file \n")
    assert read_settings(tmp_path, "DEMO_PASSWORD", DEMO_PASSWORD_FILE=str(file)) == " from a file "


def test_a_file_of_a_value_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    missing = check(tmp_path, DEMO_PASSWORD_FILE=str(tmp_path / "nowhere"))
    (tmp_path / "empty").write_text("\n")
    empty = check(tmp_path, SECRET_KEY_FILE=str(tmp_path / "empty"))
    assert missing.stderr.startswith(f"lectern: DEMO_PASSWORD_FILE names {tmp_path}/nowhere, which cannot be read")
    assert empty.stderr == f"lectern: SECRET_KEY_FILE names {tmp_path}/empty, which is empty.\n"


@pytest.mark.slow
def test_one_file_gives_the_settings_to_every_command_and_the_environment_goes_first(tmp_path: Path) -> None:
    file = tmp_path / "lectern.env"
    file.write_text('# of all machines\n\nPORT=8123\nDEMO_PASSWORD="with blanks # and all"\nHOST = 127.0.0.2\n')
    given = {"LECTERN_ENV": str(file)}
    assert read_settings(tmp_path, "DEMO_PASSWORD", **given) == "with blanks # and all"
    assert read_settings(tmp_path, "SITE_URL", **given) == "http://127.0.0.1:8123"
    assert read_settings(tmp_path, "PORT", PORT="8456", **given) == "8456"
    file.write_text("PORT 8123\n")
    assert check(tmp_path, **given).stderr == f"lectern: {file}, line 1: write NAME=value.\n"
    assert check(tmp_path, LECTERN_ENV="/nowhere").stderr.startswith("lectern: LECTERN_ENV names /nowhere")


def test_the_demo_is_for_trying_out_and_not_for_a_site_with_tls(tmp_path: Path) -> None:
    assert read_settings(tmp_path, "DEMO") == "True"
    assert read_settings(tmp_path, "DEMO", SITE_URL="https://lectern.example") == "False"
    assert read_settings(tmp_path, "DEMO", SITE_URL="https://lectern.example", DEMO="true") == "True"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("https://Lectern.Example", "https://lectern.example"),
        ("HTTPS://lectern.example:443/", "https://lectern.example"),
        ("http://lectern.example:80//", "http://lectern.example"),
        ("https://lectern.example:8443", "https://lectern.example:8443"),
        (" https://lectern.example. ", "https://lectern.example"),
        ("https://Bücher.example", "https://xn--bcher-kva.example"),
        ("http://[0:0::1]:8000", "http://[::1]:8000"),
    ],
)
def test_the_address_of_the_site_is_spelled_as_browsers_spell_it(given: str, read: str) -> None:
    assert read_site_url(given).geturl() == read


@pytest.mark.parametrize(
    "given",
    ["", "lectern", "ftp://x.example", "https://", "https://a b.example", "https://x.example:port", "https://x?y",
     "https://me@x.example", "https://[::1", "https://*.example"],
)  # fmt: skip
def test_what_is_no_address_of_a_site_is_refused(given: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="write the address people type"):
        read_site_url(given)


def test_a_path_is_refused_because_nothing_is_served_below_one() -> None:
    with pytest.raises(ImproperlyConfigured, match="cannot be served below a path"):
        read_site_url("https://example.com/lectern")


@pytest.mark.parametrize(
    ("host", "is_own"), [("127.0.0.9", True), ("::1", True), ("a.localhost", True), ("10.0.0.1", False)]
)
def test_only_what_this_machine_alone_can_reach_is_not_public(host: str, is_own: bool) -> None:
    assert is_loopback(host) == is_own


@pytest.mark.slow
@pytest.mark.parametrize("command", ["createsuperuser", "import_completions", "backup_sqlite"])
def test_a_command_makes_no_archive_where_there_is_none(tmp_path: Path, command: str) -> None:
    """A mistyped DATA_DIR must not become an empty archive that seems to be backed up."""
    needed = {
        "import_completions": ["-"],
        "backup_sqlite": [str(tmp_path / "b")],
    }
    missing = manage(tmp_path / "missing", command, *needed.get(command, []))
    assert missing.stderr.startswith(f"lectern: DATA_DIR {tmp_path}/missing does not exist.")
    assert not (tmp_path / "missing").exists()
    (tmp_path / "other").mkdir()
    other = manage(tmp_path / "other", command, *needed.get(command, []))
    assert other.stderr.startswith(f"lectern: {tmp_path}/other holds no secret_key")
    never = manage(tmp_path / "other", command, *needed.get(command, []), **SECRETS)
    assert f"There is no archive at {tmp_path}/other/lectern.sqlite3." in never.stderr
    assert [done.returncode for done in (missing, other, never)] == [1, 1, 1]
    assert "Traceback" not in missing.stderr + other.stderr + never.stderr
    assert list((tmp_path / "other").iterdir()) == []
