"""Each benchmark runs from end to end with tiny sizes, prints its figures, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest
from django.db import connection

from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.compare import main as compare
from benchmarks.compared import Figures, Goal, Round
from benchmarks.desk import ROOT, THIS, Checkout

Bench = Callable[..., str]


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder with a short name, for Chromium makes a socket there, whose path may have 107 bytes."""
    with TemporaryDirectory(prefix="b-") as folder:
        yield Path(folder)


@pytest.fixture
def bench(prepared: Path, scratch: Path, tmp_path: Path) -> Bench:
    """Run `python -m benchmarks` where the settings name an archive that must stay as it is: there is none."""
    real, setting = (tmp_path / name for name in ("real.sqlite3", "database_url"))
    setting.write_text(os.environ.get("DATABASE_URL", f"sqlite:///{real}"))
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DATA_DIR")}
    environment |= {"DATABASE_URL_FILE": str(setting), "BENCH_DATA": str(prepared), "TMPDIR": str(scratch)}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "benchmarks", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert not real.exists()
        assert not list(scratch.glob("lectern-*"))
        return done.stdout

    return run


def test_without_a_name_the_benchmarks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed and sentence in printed for name, sentence in BENCHMARKS.items())
    with pytest.raises(SystemExit, match="'nothing' is not a benchmark"):
        main(["nothing"])


@pytest.mark.slow
@pytest.mark.django_db
def test_the_archive_is_measured_on_databases_that_are_thrown_away(bench: Bench) -> None:
    printed = bench("archive", "--messages", "40,80", "--rounds", "1")
    assert f"{connection.vendor}, seed" in printed
    assert all(words in printed for words in ("40 messages", "80 messages", "search, phrase", "list by a rare pair"))
    assert printed.count("  met   ") + printed.count("  missed") == 4
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'lectern_benchmark%'")
            assert cursor.fetchone() == (0,)


@pytest.mark.slow
def test_the_read_log_is_measured_on_a_database_that_is_thrown_away(bench: Bench) -> None:
    printed = bench("read_log", "--rows", "300", "--messages", "60", "--rounds", "2")
    assert f"{connection.vendor}, 300 rows" in printed
    assert all(
        words in printed for words in ("person and action", "a row during an import", "ratio of lower quartiles")
    )
    assert printed.count("  met   ") + printed.count("  missed") == 1


@pytest.mark.slow
def test_the_proxy_and_the_pages_are_compared_with_their_upstream(bench: Bench) -> None:
    printed = bench("proxy", "--requests", "8", "--rounds", "1", "--crowds", "1", "--pages", "2")
    assert [printed.count(f"\n  {name} ") for name in ("direct", "proxy", "page", "health")] == [2] * 4
    assert all(words in printed for words in ("the proxy adds", "archive page alone: p50", "ratio of the medians"))


@pytest.mark.slow
def test_spans_are_sent_and_joined_beside_readers(bench: Bench) -> None:
    printed = bench("telemetry", "--rate", "500", "--seconds", "0.5", "--rounds", "1")
    assert all(words in printed for words in ("500 spans sent at", "joined", "pages alone: p50", "ratio of p95"))


@pytest.mark.slow
def test_reading_is_measured_in_a_browser(bench: Bench) -> None:
    printed = bench("reading", "--rounds", "0", "--sizes", "25,30")
    assert all(f"\n  {name} " in printed for name in ("25", "30", "permalink"))
    assert "25 messages from the end to the beginning by the wheel" in printed
    assert printed.count(": met") + printed.count(": missed") == 4


@pytest.mark.slow
def test_rendering_is_measured_in_time_and_in_memory(bench: Bench) -> None:
    printed = bench("rendering", "--rounds", "1", "--large", "deep")
    assert printed.count("cold/floor") == 4
    assert "hostile texts" in printed
    assert all(f"  deep      {source} 200, " in printed for source in ("archive ", "upstream"))
    assert "peak memory of the worker" in printed


@pytest.mark.slow
def test_pictures_are_taken_in_light_and_dark(bench: Bench, tmp_path: Path) -> None:
    bench("screenshots", "--only", "citation", "--into", str(tmp_path / "pictures"))
    pictures = sorted((tmp_path / "pictures").iterdir())
    assert [picture.name for picture in pictures] == ["citation-dark.webp", "citation-light.webp"]
    assert all(picture.read_bytes()[8:12] == b"WEBP" for picture in pictures)


def test_every_file_of_another_tool_is_compared_with_json_and_the_fine_tuning_format(bench: Bench) -> None:
    printed = bench("import", "--messages", "1", "--rounds", "1")
    assert {line.split()[0] for line in printed.splitlines()[1:]} >= {"langchain_dicts.json", "openai_stream.sse"}


def test_two_commits_do_the_same_work_in_turns_and_are_judged_by_the_goals(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    turns: list[Path] = []

    @contextmanager
    def prepare(checkout: Checkout) -> Iterator[Round]:
        def work() -> Figures:
            assert (checkout.folder / "manage.py").exists()
            turns.append(checkout.folder)
            return {"pages, ms": 2.0 if checkout is THIS else 8.0, "of direct": 0.3}

        yield work

    subject = SimpleNamespace(
        __doc__="Work of a test.\n\nMore.",
        prepare=prepare,
        GOALS={"pages, ms": Goal(0.25), "of direct": Goal(0.4, is_most=False, is_of_other=False)},
    )
    monkeypatch.setitem(sys.modules, "benchmarks.compared.pages", subject)
    compare(["--with", "HEAD", "--rounds", "2", "pages"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "pages: Work of a test. median of 2 rounds" in printed
    assert "pages, ms 8.00 2.00 0.25 met: at most 0.25" in printed
    assert "of direct 0.30 0.30 1.00 missed: at least 0.4" in printed
    assert [folder == ROOT for folder in turns] == [True, False, False, True]
