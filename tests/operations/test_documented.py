"""The deployment of docs/operations.md, as printed: what can be checked without a root's rights and without a network."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from benchmarks.__main__ import BENCHMARKS
from tests.processes import SECRETS, manage
from viewer.operations import server

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "operations.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
EVERYTHING = "".join(file.read_text() for file in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def printed(name: str) -> str:
    """Give the block that says with its first comment which file it is."""
    [found] = [text for _, text in BLOCKS if f"# {name}\n" in text]
    return found


def unit(name: str) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(printed(f"/etc/systemd/system/{name}"))
    return parser["Service"]


def settings_in(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


@pytest.mark.parametrize("name", ["lectern.service", "lectern-backup.service"])
def test_a_unit_reads_the_settings_and_cannot_write_the_code(name: str) -> None:
    service = unit(name)
    given = dict(word.split("=", 1) for word in shlex.split(service["Environment"]))
    settings = settings_in(printed(given["LECTERN_ENV"]))
    folder = f"/var/lib/{service['StateDirectory']}"
    assert settings["DATA_DIR"] == given["HOME"] == folder
    assert (service["StateDirectoryMode"], service["UMask"], service["ProtectSystem"]) == ("0700", "0077", "strict")
    assert "/opt" not in service.get("ReadWritePaths", "")
    assert service["User"] == "lectern"
    script, *arguments = shlex.split(service["ExecStart"])
    assert (ROOT / Path(script).relative_to("/opt/lectern")).exists()
    if arguments:
        assert arguments.pop(0) == "manage"
        command = arguments.pop(0)
        load_command_class(get_commands()[command], command).create_parser("manage.py", command).parse_args(arguments)


def test_the_server_has_time_to_end_and_a_way_to_begin_anew() -> None:
    service = unit("lectern.service")
    assert int(service["TimeoutStopSec"]) > server._STOP_TIMEOUT
    assert service["KillMode"] == "mixed"  # a worker that gets two signals at once does not stop
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"


def test_the_settings_are_understood_and_documented(tmp_path: Path) -> None:
    file = tmp_path / "lectern.env"
    files = ("/etc/lectern.env", "/etc/lectern.env, in addition", "/etc/lectern.env, for single sign-on")
    written = "".join(printed(file) for file in files)
    table = (ROOT / "docs" / "settings.md").read_text()
    for name in settings_in(written):
        assert f"| `{name.removesuffix('_FILE')}` |" in table
    for name, secret in {**SECRETS, "OIDC_CLIENT_SECRET": "x"}.items():
        (tmp_path / name).write_text(f"{secret}\n")
        written = re.sub(rf"^{name}_FILE=.*", f"{name}_FILE={tmp_path / name}", written, flags=re.MULTILINE)
    file.write_text(written)
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", LECTERN_ENV=str(file))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "line", sorted(set(re.findall(r"(?:^lectern |\./run manage )(\w+)", EVERYTHING, re.MULTILINE)))
)
def test_every_command_that_is_named_is_there(line: str) -> None:
    assert line in get_commands()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\./run bench ([a-z]\w*)", EVERYTHING))))
def test_every_benchmark_that_is_named_is_there(name: str) -> None:
    assert name in BENCHMARKS


def test_the_shell_understands_what_is_printed() -> None:
    for kind, text in BLOCKS:
        if kind == "sh":
            done = subprocess.run(["/bin/sh", "-n"], input=text, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (text, done.stderr)


def test_nginx_understands_what_is_printed(tmp_path: Path) -> None:
    config = printed("/etc/nginx/conf.d/lectern.conf")
    assert "http2 on" not in config  # unknown before nginx 1.25; Debian 12 has 1.22
    assert "proxy_set_header Host $http_host;" in config
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    openssl = shutil.which("openssl")
    if not nginx or not openssl:
        pytest.skip("no nginx here")
    key, certificate = tmp_path / "lectern.key", tmp_path / "lectern.pem"
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=lectern.example"]
    subprocess.run([openssl, *made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    (tmp_path / "site.conf").write_text(config.replace("/etc/ssl/", f"{tmp_path}/"))
    whole = f"pid {tmp_path}/pid; events {{}} http {{ access_log off; include {tmp_path}/site.conf; }}"
    (tmp_path / "nginx.conf").write_text(whole)
    tried = [nginx, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", "stderr"]
    done = subprocess.run(tried, capture_output=True, text=True, check=False)
    assert "test is successful" in done.stderr, done.stderr
