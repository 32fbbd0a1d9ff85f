from __future__ import annotations

import argparse
import sys
import threading
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseFailure
from django.db import connection
from tqdm import tqdm

from viewer.accounts.roles import curators, may_curate
from viewer.completions.ids import has_address
from viewer.deployment.database import explain
from viewer.deployment.stopping import stop_event
from viewer.keys.models import ApiKey
from viewer.sync.models import AnotherIsActive, CopyRun, Selection
from viewer.sync.worker import work_on

_DAY = 24 * 60 * 60  # seconds


class Command(BaseCommand):
    help = "Copy stored completions from a person's API key into the archive."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--key", metavar="LABEL", help="the label of an API key")
        parser.add_argument("--person", metavar="USER", help="whose key it is")
        parser.add_argument("--model", default="", help="only completions of this model")
        parser.add_argument(
            "--metadata", action="append", default=[], metavar="KEY=VALUE", help="only with this pair; may be repeated"
        )
        parser.add_argument(
            "--id", action="append", default=[], metavar="ID", dest="ids",
            help="only this response, conversation or completion (resp_…, conv_…, chatcmpl-…); may be repeated",
        )  # fmt: skip
        parser.add_argument(
            "--follow-metadata", action="store_true",
            help="also the responses and conversations whose ids are values of metadata",
        )  # fmt: skip
        parser.add_argument("--since", metavar="DATE", help="only those stored since, such as 2026-11-01")
        parser.add_argument(
            "--erase-deleted", action="store_true", help="erase here, for good, what was deleted at the source"
        )
        parser.add_argument("--loop", action="store_true", help="again and again")
        parser.add_argument("--every", type=int, default=15, metavar="MINUTES", help="how often to look; default 15")
        parser.add_argument("--until-stdin-closes", action="store_true", help="end when the parent process has ended")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["key"]:
            raise CommandError("Name a key: --key LABEL --person USER. `work` does what pages ask for.")
        _read_options(options)
        stopping = stop_event(options["until_stdin_closes"])
        if not options["loop"]:
            run = self._copy(options, stopping)
            sys.exit(0 if run.state == CopyRun.DONE and not run.failures.exists() else 1)
        else:
            self._copy_repeatedly(options, stopping)

    def _copy_repeatedly(self, options: dict[str, Any], stopping: threading.Event) -> None:
        """List everything at first and once a day: only that finds what came late, failed before or was deleted."""
        is_first, next_full = True, monotonic()
        while is_first or not stopping.wait(max(1, options["every"]) * 60):
            now = monotonic()
            try:
                run = self._copy(options, stopping, only_newest=now < next_full, unless_paused=not is_first)
                if now >= next_full and run.state == CopyRun.DONE:
                    next_full = now + _DAY
            except CommandError as error:
                self.stderr.write(str(error))
            is_first = False

    def _copy(
        self, options: dict[str, Any], stopping: threading.Event, only_newest: bool = False, unless_paused: bool = False
    ) -> CopyRun:
        """Process the run, or wait for the worker that does, and report the result."""
        try:
            key, selection = _read_options(options)
            paused = CopyRun.objects.filter(api_key=key, state=CopyRun.PAUSED).first()
            if unless_paused and paused:
                return paused
            run = CopyRun.objects.start_or_resume(key, selection, only_newest=only_newest)
            run.tell_to_erase(options["erase_deleted"])
            run = self._process(run, stopping)
            self._report(run)
            return run
        except AnotherIsActive:
            raise CommandError("Something else is being copied with this key already; see /imports/.") from None
        except DatabaseFailure as error:
            connection.close()
            stays = "What was copied before stays; run the same command again."
            raise CommandError(explain(error, "The archive could not be written", stays)) from None

    def _process(self, run: CopyRun, stopping: threading.Event) -> CopyRun:
        with tqdm(desc=run.label, unit=" conversations", disable=not sys.stderr.isatty()) as bar:
            is_over = threading.Event()
            updater = threading.Thread(target=_update_bar, args=[bar, run.pk, is_over], daemon=True)
            if not bar.disable:
                updater.start()
            is_ours = False
            while run.state in (CopyRun.WAITING, CopyRun.RUNNING) and not stopping.is_set():
                if claimed := CopyRun.objects.filter(pk=run.pk).claim():
                    is_ours = True
                    work_on(claimed, stopping)
                elif not curators().filter(pk=run.person_id).exists():
                    raise CommandError(
                        f"{run.person} was deactivated meanwhile, or is no curator any more; until then the run waits."
                    )
                else:
                    stopping.wait(1)
                run.refresh_from_db()
            is_over.set()
        if stopping.is_set() and is_ours and run.perform("pause"):
            run.refresh_from_db()
        return run

    def _report(self, run: CopyRun) -> None:
        failures = list(run.failures.all())
        for failure in failures:
            self.stderr.write(f"{failure.completion_id or 'an entry of the list'}: {failure.problem} {failure.said}")
        self.stdout.write(
            f"{run.copied} copied, {run.already_stored} already there, {len(failures)} failed, "
            f"{run.gone} deleted at the source" + (f", {run.erased} erased here" if run.erases_deleted else "")
        )
        if run.state == CopyRun.FAILED:
            raise CommandError(f"Ended early: {run.problem} {run.said}\nRun the same command again to go on.")
        if run.state == CopyRun.PAUSED:
            self.stdout.write("Paused. Run the same command again to go on.")


def _read_options(options: dict[str, Any]) -> tuple[ApiKey, Selection]:
    person = User.objects.filter(username=options["person"]).first()
    if person is None:
        raise CommandError(f"There is nobody with the name {options['person']}; give --person USER.")
    if not person.is_active:
        raise CommandError(f"{person} is deactivated: nothing is copied with their keys. Reactivate them on /people/.")
    if not may_curate(person):
        raise CommandError(f"{person} is no curator: nothing is copied with their keys. Make them one on /people/.")
    key = ApiKey.objects.of(person).filter(label=options["key"]).first()
    if key is None:
        labels = ", ".join(ApiKey.objects.of(person).values_list("label", flat=True)) or "none yet"
        raise CommandError(f"{person} has no key with the label {options['key']}. There is: {labels}.")
    pairs = [pair.partition("=") for pair in options["metadata"]]
    if any(not name or not sign for name, sign, _ in pairs):
        raise CommandError("Write --metadata as key=value.")
    since = None
    if options["since"]:
        try:
            since = datetime.fromisoformat(options["since"])
        except ValueError:
            raise CommandError(f"{options['since']} is no date; write one like 2026-11-01.") from None
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
    ids, follows = tuple(dict.fromkeys(options["ids"])), options["follow_metadata"]
    if unusable := next((given for given in ids if not has_address(given) or given.split() != [given]), None):
        raise CommandError(f"{unusable} is not an id.")
    if ids and (options["model"] or pairs or since or follows):
        raise CommandError("--id copies just these; leave out the options that filter a list.")
    return key, Selection(options["model"], {name: value for name, _, value in pairs}, since, ids, follows)


def _update_bar(bar: Any, pk: int, is_over: threading.Event) -> None:
    while not is_over.wait(1):
        try:
            run = CopyRun.objects.get(pk=pk)
        except DatabaseFailure:  # reported by the worker that processes the run
            break
        bar.total = run.wanted if run.is_listed or run.only_failed else None
        bar.set_postfix_str(f"waits {run.waits} s: {run.problem}" if run.waits else "")
        bar.update(run.copied - bar.n)
    connection.close()
