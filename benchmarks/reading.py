"""Measures in Chromium how quickly conversations of 20 to 10,000 messages open, and how they are read.

All of it happens on this machine in one go, in turns, so that the ratios hold when its speed drifts. Lectern is the one
that `./run` starts, on a data folder that is thrown away; the conversations are made up from a seed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from benchmarks.real_pages import own_chromium, own_lectern, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

_ID = "chatcmpl-reading"
_SIZES = (20, 200, 1_000, 10_000)
_LOADED = ((20, 20), (200, 200), (1_000, 500))  # of so many, so many are loaded: a page holds no more than 500
_WINDOW = {"viewport": {"width": 1440, "height": 900}}
_PRESSES = 30
_MESSAGES = "article[data-message-id]"
_SENTENCES = (
    "The parcel left the warehouse on Tuesday and **should** arrive by Friday.",
    "Please quote `TK-30582` when you write to us, and keep the box until then.",
    "I have asked the carrier and will come back to you today.",
    "Thank you, that was quick! And what about the second cup?",
)
_TABLE = "| item | price | days |\n|---|---:|---:|\n| cup | 14.50 | 3 |\n| postage | 4.90 | 2 |"
# Runs in every page before its own scripts. `shown` is when the linked message, else the first, was painted in the
# window; `settled` the last change of the page, its layout or its loading; a shift counts as web.dev/cls does.
_WATCH = """(() => {
    const seen = (window.benchmark = { shown: 0, settled: 0, shift: 0, slowestKey: 0 });
    const change = () => (seen.settled = performance.now());
    const look = () => {
        const target = document.querySelector("article[aria-current=true]")
            ?? (location.pathname.includes("/messages/") ? null : document.querySelector("article[data-message-id]"));
        const place = target?.getBoundingClientRect();
        if (!place || place.bottom < 0 || place.top > innerHeight) return requestAnimationFrame(look);
        const painted = new MessageChannel();
        painted.port1.onmessage = () => (seen.shown = performance.now());
        painted.port2.postMessage(0);
    };
    requestAnimationFrame(look);
    new MutationObserver(change).observe(document, { subtree: true, childList: true });
    let first = 0, last = 0, inOneGo = 0;
    new PerformanceObserver((list) => {
        for (const { startTime, value, hadRecentInput } of list.getEntries()) {
            change();
            if (hadRecentInput) continue;
            if (startTime - last > 1000 || startTime - first > 5000) [first, inOneGo] = [startTime, 0];
            last = startTime;
            inOneGo += value;
            seen.shift = Math.max(seen.shift, inOneGo);
        }
    }).observe({ type: "layout-shift", buffered: true });
    new PerformanceObserver((list) => {
        for (const { name, duration } of list.getEntries()) {
            if (name === "keydown") seen.slowestKey = Math.max(seen.slowestKey, duration);
        }
    }).observe({ type: "event", durationThreshold: 16 });
    new PerformanceObserver(change).observe({ type: "resource" });
})()"""
_IS_STILL = """() => benchmark.shown && performance.now() - benchmark.settled > 600
    && !document.querySelector(".htmx-request")"""
_FRAMES = "async (frames) => { while (frames--) await new Promise(requestAnimationFrame); }"
_WAY_UP = """() => {
    const more = document.querySelector('[data-more="earlier"]');
    const { goOn } = document.querySelector("reading-place").dataset;
    const link = more?.querySelector("a");
    if (scrollY > 0 || (more && !link.textContent.startsWith(goOn))) return null;
    return link ? link.pathname : "";
}"""
Figures = dict[str, float]


def _path(size: int, message: int | None = None) -> str:
    linked = "" if message is None else f"messages/{_ID}-{size}-{message}/"
    return f"/completions/{_ID}-{size}/{linked}"


_PATHS = {f"{size:,}": _path(size) for size in _SIZES} | {"permalink": _path(10_000, 5_000)}


class Command(BaseCommand):
    help = "Measure in Chromium how quickly conversations open, and how they are read."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=5)
        parser.add_argument("--rounds", type=int, default=5)

    def handle(self, *args: Any, **options: Any) -> None:
        seed, rounds = options["seed"], options["rounds"]
        self.stdout.write(f"seed {seed}, medians of {rounds} rounds after one that does not count, 1440 x 900")
        lines = "\n".join(_conversation(size, random.Random(seed)) for size in _SIZES)  # noqa: S311
        with own_chromium() as browser, own_lectern(lines) as url:
            desk = _Desk(browser, sign_in(browser, url)(**_WINDOW))
            opening = _in_turns({name: partial(desk.open, path) for name, path in _PATHS.items()}, rounds)
            self._tell_opening(opening)
            reading = _in_turns({f"{loaded}": partial(desk.load, of, loaded) for of, loaded in _LOADED}, rounds)
            self._tell_reading(reading, desk.key)
            upward = desk.read_upward()
            self.stdout.write(
                f"1,000 messages from the end to the beginning by the wheel: {upward['seconds']:.0f} s,"
                f" {upward['pages']:.0f} pages, each message once and in order, shift {upward['shift']:.4f}"
            )
        self._judge(opening, reading, upward)

    def _tell_opening(self, opening: dict[str, Figures]) -> None:
        self.stdout.write("opening         first bubble       settled      layout     memory   nodes    shift")
        for name, figures in opening.items():
            ratio = figures["shown"] / opening["20"]["shown"]
            self.stdout.write(
                f"  {name:11} {figures['shown']:6.0f} ms {ratio:5.2f} x {figures['settled']:7.0f} ms {_weight(figures)}"
            )

    def _tell_reading(self, reading: dict[str, Figures], key: str) -> None:
        self.stdout.write(f"loaded       layout     memory   nodes    shift   slowest of {_PRESSES} {key} to paint")
        for name, figures in reading.items():
            self.stdout.write(f"  {name:8} {_weight(figures)} {figures['key']:8.0f} ms")

    def _judge(self, opening: dict[str, Figures], reading: dict[str, Figures], upward: Figures) -> None:
        first, longest, linked = (opening[name]["shown"] for name in ("20", "10,000", "permalink"))
        shift = max(figures["shift"] for figures in [*opening.values(), *reading.values(), upward])
        key = max(figures["key"] for figures in reading.values())
        for goal, value, most in (
            ("first bubble of 10,000 messages, times that of 20", longest / first, 1.2),
            ("permalink to message 5,000, times the first bubble of 20", linked / first, 1.3),
            ("layout shift, the worst of all", shift, 0.02),
            ("slowest key to paint, ms", key, 100),
        ):
            self.stdout.write(f"{goal}: {value:.2f}, at most {most}: {'met' if value <= most else 'missed'}")


class _Desk:
    """A window of Chromium in front of the conversations; every figure is of a page of its own."""

    def __init__(self, browser: Browser, window: BrowserContext) -> None:
        self._processes = browser.new_browser_cdp_session()
        self._window = window
        self._window.add_init_script(_WATCH)
        self.key = ""

    def open(self, path: str) -> Figures:
        """Open a page and wait until it is still; give times in ms since it was asked for, memory in MB."""
        page, weigh = self._page(path)
        figures = weigh()
        page.close()
        return figures

    def load(self, of: int, count: int) -> Figures:
        """Press End until so many messages are loaded, then go from one to the next by the keyboard."""
        page, weigh = self._page(_path(of))
        for _ in range(50 * count):
            if page.locator(_MESSAGES).count() >= count:
                break
            page.keyboard.press("End")
            page.evaluate(_FRAMES, 2)
        page.wait_for_function(_IS_STILL)
        figures = weigh()
        page.locator(_MESSAGES).nth(count // 2 - _PRESSES // 2).scroll_into_view_if_needed()
        page.wait_for_function(_IS_STILL)
        self.key = self.key or self._find_key(page)
        page.evaluate("() => (benchmark.slowestKey = 0)")
        for _ in range(_PRESSES):
            page.keyboard.press(self.key)
            page.evaluate(_FRAMES, 2)
        page.evaluate(_FRAMES, 30)
        figures["key"] = page.evaluate("() => benchmark.slowestKey")
        page.close()
        return figures

    def read_upward(self) -> Figures:
        """Turn the wheel from the last message of 1,000 to the first; a full page is left by its link."""
        path, pages, seconds, shift = _path(1_000, 999), 0, 0.0, 0.0
        seen: list[str] = []
        while path:
            page, weigh = self._page(path)
            path = _turn_wheel_up(page)
            here = page.locator(_MESSAGES).evaluate_all("(all) => all.map((one) => one.dataset.messageId)")
            seen = [*here, *(one for one in seen if one not in here)]
            seconds += page.evaluate("() => performance.now() / 1000")
            shift = max(shift, weigh()["shift"])
            pages += 1
            page.close()
        if seen != [f"{_ID}-1000-{number}" for number in range(1_000)]:
            raise CommandError(f"Not every message was seen once and in order: {len(seen)} of 1,000.")
        return {"pages": pages, "seconds": seconds, "shift": shift}

    def _page(self, path: str) -> tuple[Page, Callable[[], Figures]]:
        """Open a page and wait until it is still; give what weighs it, then or later."""
        page = self._window.new_page()
        devtools = self._window.new_cdp_session(page)
        devtools.send("Performance.enable")
        page.goto(path)
        page.wait_for_function(_IS_STILL)

        def weigh() -> Figures:
            metrics = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
            seen: Figures = page.evaluate("() => ({ ...benchmark, nodes: document.querySelectorAll('*').length })")
            layout = (metrics["LayoutDuration"] + metrics["RecalcStyleDuration"]) * 1000
            return {**seen, "layout": layout, "memory": self._memory()}

        return page, weigh

    def _memory(self) -> float:
        """Read the memory of the page's process in MB: that of the largest renderer, for no other page is open."""
        processes = self._processes.send("SystemInfo.getProcessInfo")["processInfo"]
        return max(_read_memory(one["id"]) for one in processes if one["type"] == "renderer")

    def _find_key(self, page: Page) -> str:
        """Choose j, where it leads to a message; else the arrow that scrolls."""
        page.keyboard.press("j")
        page.evaluate(_FRAMES, 5)
        return "j" if page.locator(f"{_MESSAGES}:focus").count() else "ArrowDown"


def _turn_wheel_up(page: Page) -> str:
    """Give the address where a full page goes on, or nothing at the beginning of the conversation."""
    page.mouse.move(700, 500)
    for _ in range(10_000):
        page.mouse.wheel(0, -600)
        page.evaluate(_FRAMES, 2)
        path: str | None = page.evaluate(_WAY_UP)
        if path is not None:
            return path
    raise CommandError("The beginning of the conversation was not reached.")


def _read_memory(process: int) -> float:
    """Read what a process holds for itself alone, in MB; nothing where there is no /proc."""
    status = Path(f"/proc/{process}/status")
    found = re.search(r"RssAnon:\s*(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1000 if found else float("nan")


def _in_turns(ways: dict[str, Callable[[], Figures]], rounds: int) -> dict[str, Figures]:
    """Measure each way once in every round; give the medians. The first round fills caches and does not count."""
    taken: dict[str, list[Figures]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, measure in ways.items():
            taken[name].append(measure())
    return {
        name: {figure: statistics.median(one[figure] for one in figures[1:]) for figure in figures[0]}
        for name, figures in taken.items()
    }


def _weight(figures: Figures) -> str:
    return f"{figures['layout']:8.0f} ms {figures['memory']:7.0f} MB {figures['nodes']:7.0f} {figures['shift']:8.4f}"


def _conversation(size: int, chance: random.Random) -> str:
    """Make up a conversation as a line of an import file; a shorter one is the beginning of a longer one."""
    messages = [_message(number, chance) | {"id": f"{_ID}-{size}-{number}"} for number in range(size)]
    choice = {"index": 0, "message": {"role": "assistant", "content": "You are welcome."}, "finish_reason": "stop"}
    completion = {"id": f"{_ID}-{size}", "object": "chat.completion", "model": "gpt-4.1", "created": 1_762_000_000}
    return json.dumps({**completion, "metadata": {"channel": "chat"}, "choices": [choice], "messages": messages})


def _message(number: int, chance: random.Random) -> dict[str, Any]:
    text = " ".join(chance.choices(_SENTENCES, k=chance.randint(1, 9)))
    match number % 10:
        case 7:
            function = {"name": "lookup_order", "arguments": json.dumps({"order_id": f"TK-{number}"})}
            call = {"id": f"call_{number}", "type": "function", "function": function}
            return {"role": "assistant", "content": None, "tool_calls": [call]}
        case 8:
            result = json.dumps({"state": "sent", "parcels": chance.randint(1, 4), "note": text})
            return {"role": "tool", "content": result, "tool_call_id": f"call_{number - 1}"}
        case 5:
            return {"role": "assistant", "content": f"{text}\n\n{_TABLE}\n\n- {text}"}
    return {"role": "assistant" if number % 2 else "user", "content": text}
