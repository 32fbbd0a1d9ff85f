"""The script `run` itself, in a copy of the checkout with stand-ins for Python, pip and uv that say how they were called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CALLED = '#!/bin/sh\necho "$0 $*" >>"$LOG"\n'
# Any python3 of the machine: new enough, with a pip that is configured, and brings a uv when asked to.
PYTHON = (
    CALLED
    + r"""
case "$*" in
    *"config list"*) printf "%s\n" ":env:.cert='/etc/other.pem'" "global.cert='/etc/company.pem'" \
        "global.index-url='https://old.example/simple'" "install.index-url='https://index.example/simple'" ;;
    *--target*)
        mkdir -p "$CHECKOUT/.tools/bin"
        cp "$STAND_INS/uv" "$CHECKOUT/.tools/bin/uv" ;;
esac
"""
)
UV = (
    CALLED
    + r"""
env | grep -E '^(UV_|SSL_)' | sort >>"$LOG"
case "$1" in
    venv) mkdir -p "$CHECKOUT/.venv/bin" && cp "$STAND_INS/venv-python" "$CHECKOUT/.venv/bin/python" ;;
    pip) exit "${UV_FAILS:-0}" ;;
esac
"""
)
VENV_PYTHON = '#!/bin/sh\necho "in $PWD: $*"\nenv | grep -E "^(SSL_|PYTHONPATH=)" || :\n'


class Checkout:
    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder / "checkout", folder / "log"
        stand_ins = folder / "stand-ins"
        for made in (self.folder, stand_ins):
            made.mkdir()
        for name in ("run", "requirements.txt", "requirements-dev.txt", "requirements-tools.txt"):
            (self.folder / name).write_bytes((ROOT / name).read_bytes())
        (self.folder / "run").chmod(0o755)
        scripts = {"python3": PYTHON, "uv": UV, "venv-python": VENV_PYTHON, "id": "#!/bin/sh\necho 1000\n"}
        for name, script in scripts.items():
            (stand_ins / name).write_text(script)
            (stand_ins / name).chmod(0o755)
        self.environment = {
            "PATH": f"{stand_ins}:/usr/bin:/bin", "LOG": str(self.log), "CHECKOUT": str(self.folder),
            "STAND_INS": str(stand_ins), "HOME": str(folder),
        }  # fmt: skip

    def prepare(self, requirements: str = "requirements.txt") -> None:
        """Install, as far as the script can see."""
        (self.folder / ".venv" / "bin").mkdir(parents=True)
        (self.folder / ".venv" / "bin" / "python").write_text(VENV_PYTHON)
        (self.folder / ".venv" / "bin" / "python").chmod(0o755)
        (self.folder / ".venv" / "installed.txt").write_bytes((self.folder / requirements).read_bytes())

    def run(
        self, *arguments: str, by: Path | None = None, where: Path | None = None, **environment: str
    ) -> tuple[int, str]:
        command = [str(by or self.folder / "run"), *arguments]
        done = subprocess.run(
            command, cwd=where or self.folder, env=self.environment | environment, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.returncode, done.stdout

    def called(self) -> str:
        return self.log.read_text()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_names_of_files_mean_what_they_mean_where_one_stands(checkout: Checkout, tmp_path: Path) -> None:
    checkout.prepare()
    (tmp_path / "elsewhere").mkdir()
    status, said = checkout.run("manage", "import_completions", "a b.jsonl", where=tmp_path / "elsewhere")
    assert (status, said) == (
        0, f"in {tmp_path}/elsewhere: {checkout.folder}/manage.py import_completions a b.jsonl\n"
    )  # fmt: skip


def test_benchmarks_are_those_of_the_checkout_with_what_tests_need(checkout: Checkout, tmp_path: Path) -> None:
    checkout.prepare("requirements.txt")
    status, said = checkout.run("bench", "screenshots", "--into", "a b", where=tmp_path)
    assert status == 0, said
    assert f"in {tmp_path}: -P -m benchmarks screenshots --into a b\nPYTHONPATH={checkout.folder}\n" in said
    assert f"--python {checkout.folder}/.venv/bin/python {checkout.folder}/requirements-dev.txt" in checkout.called()


def test_links_to_the_script_lead_to_its_checkout(checkout: Checkout, tmp_path: Path) -> None:
    checkout.prepare()
    for folder in ("bin", "opt"):
        (tmp_path / folder).mkdir()
    (tmp_path / "opt" / "run").symlink_to(checkout.folder / "run")
    (tmp_path / "bin" / "lectern").symlink_to(Path("..") / "opt" / "run")
    _, said = checkout.run(by=tmp_path / "bin" / "lectern", where=tmp_path)
    assert said == f"in {tmp_path}: {checkout.folder}/manage.py start\n"
    assert not (tmp_path / "bin" / ".venv").exists()


def test_preparing_installs_with_hashes_and_starts_nothing(checkout: Checkout) -> None:
    status, said = checkout.run("prepare")
    assert status == 0, said
    assert "manage.py" not in said
    calls = checkout.called()
    assert "--require-hashes --target" in calls
    assert "uv pip sync --quiet --compile-bytecode --require-hashes" in calls
    checkout.log.unlink()
    assert checkout.run("prepare")[0] == 0
    assert not checkout.log.exists()  # it is prepared already


def test_uv_goes_where_pip_is_told_to_go_and_the_server_knows_nothing_of_it(checkout: Checkout) -> None:
    _, said = checkout.run()
    assert "UV_DEFAULT_INDEX=https://index.example/simple\n" in checkout.called()
    assert "SSL_CERT_FILE=/etc/company.pem\n" in checkout.called()
    assert "UV_SYSTEM_CERTS=true\n" in checkout.called()
    assert "UV_CACHE_DIR" not in checkout.called()
    assert "manage.py start" in said
    assert "SSL_CERT_FILE" not in said


def test_what_the_environment_says_of_certificates_goes_first(checkout: Checkout) -> None:
    checkout.run("prepare", REQUESTS_CA_BUNDLE="/etc/mine.pem", PIP_INDEX_URL="https://mine.example/simple")
    assert "SSL_CERT_FILE=/etc/mine.pem\n" in checkout.called()
    assert "UV_DEFAULT_INDEX=https://mine.example/simple\n" in checkout.called()


def test_certificates_may_lie_in_a_folder(checkout: Checkout, tmp_path: Path) -> None:
    checkout.run("prepare", SSL_CERT_FILE=str(tmp_path))
    assert f"SSL_CERT_DIR={tmp_path}\n" in checkout.called()
    assert "SSL_CERT_FILE=" not in checkout.called()


def test_a_user_without_a_home_keeps_what_uv_needs_beside_it(checkout: Checkout) -> None:
    checkout.run("prepare", HOME="/nonexistent")
    assert f"UV_CACHE_DIR={checkout.folder}/.tools/cache\n" in checkout.called()
    assert f"UV_PYTHON_INSTALL_DIR={checkout.folder}/.tools/python\n" in checkout.called()


def test_pip_is_tried_where_uv_fails(checkout: Checkout) -> None:
    status, _ = checkout.run("prepare", UV_FAILS="2")
    assert status == 0
    assert f"-m pip --python {checkout.folder}/.venv/bin/python install" in checkout.called()
    assert "--require-hashes --requirement" in checkout.called()


@pytest.mark.skipif(os.getuid() == 0, reason="root writes everywhere")
def test_who_may_not_write_is_told_who_prepares_it(checkout: Checkout) -> None:
    checkout.folder.chmod(0o555)
    status, said = checkout.run()
    checkout.folder.chmod(0o755)
    assert status == 1
    assert said.startswith(f"lectern: {checkout.folder} is not prepared for this version")


def test_a_user_who_cannot_install_a_chromium_is_told_in_one_sentence(checkout: Checkout, tmp_path: Path) -> None:
    checkout.prepare("requirements-dev.txt")
    found = tmp_path / "found"
    found.mkdir()
    for tool in ("sh", "dirname", "cmp"):
        (found / tool).symlink_to(f"/usr/bin/{tool}")
    status, said = checkout.run("test", PATH=f"{tmp_path / 'stand-ins'}:{found}")
    assert status == 69
    assert said.startswith("lectern: the browser tests need a Chromium")
    assert len(said.splitlines()) == 1


def test_the_pinned_uv_has_its_hashes(checkout: Checkout) -> None:
    pinned = (ROOT / "requirements-tools.txt").read_text()
    assert pinned.startswith("uv==")
    assert pinned.count("--hash=sha256:") > 10


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-tools.txt"])
def test_no_package_index_is_named(name: str) -> None:
    assert "https://" not in (ROOT / name).read_text()
