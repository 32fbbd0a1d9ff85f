"""Measures in Chromium how quickly conversations of 20 to 10,000 messages open, and how they are read.

All of it runs on this machine in turns, so that the ratios hold when its speed drifts. The conversations are made up
from a seed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks.chromium import running_chromium, sign_in
from benchmarks.desk import open_desk

_ID = "chatcmpl-reading"
_PAGE_LIMIT = 500  # messages that a page holds
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
WATCH = """(() => {
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


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench reading", description=__doc__)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--sizes", type=_read_sizes, default="20,200,1000,10000",
        help="messages of the conversations, with commas, in ascending order: the last is only opened, the one before "
        "it is also read from its end to its beginning",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}, medians of {options.rounds} rounds after one that does not count, 1440 x 900")
    _measure(options.sizes, options.seed, options.rounds)


def _read_sizes(given: str) -> list[int]:
    sizes = [int(size) for size in given.split(",")]
    if len(sizes) < 2 or sizes != sorted(sizes):
        raise argparse.ArgumentTypeError("give at least two sizes, in ascending order")
    return sizes


def _measure(sizes: list[int], seed: int, rounds: int) -> None:
    *read, longest = sizes
    paths = {f"{size:,}": _path(size) for size in sizes} | {"permalink": _path(longest, longest // 2)}
    loaded = {size: min(size, _PAGE_LIMIT) for size in read}
    with running_chromium() as browser, open_desk() as desk:
        desk.import_completions("\n".join(make_conversation(size, random.Random(seed)) for size in sizes))
        reader = _Reader(browser, sign_in(browser, desk)(**_WINDOW))
        opening = _in_turns({name: partial(reader.open, path) for name, path in paths.items()}, rounds)
        _print_opening(opening)
        reading = _in_turns({f"{n}": partial(reader.load, size, n) for size, n in loaded.items()}, rounds)
        _print_reading(reading, reader.key)
        upward = reader.read_upward(read[-1])
        print(
            f"{read[-1]:,} messages from the end to the beginning by the wheel: {upward['seconds']:.0f} s,"
            f" {upward['pages']:.0f} pages, each message once and in order, shift {upward['shift']:.4f}"
        )
    _compare_with_goals(opening, reading, upward)


def _print_opening(opening: dict[str, Figures]) -> None:
    print("opening         first bubble       settled      layout     memory   nodes    shift")
    shortest = next(iter(opening.values()))["shown"]
    for name, figures in opening.items():
        shown, settled = figures["shown"], figures["settled"]
        print(f"  {name:11} {shown:6.0f} ms {shown / shortest:5.2f} x {settled:7.0f} ms {_format_load(figures)}")


def _print_reading(reading: dict[str, Figures], key: str) -> None:
    print(f"loaded       layout     memory   nodes    shift   slowest of {_PRESSES} {key} to paint")
    for name, figures in reading.items():
        print(f"  {name:8} {_format_load(figures)} {figures['key']:8.0f} ms")


def _compare_with_goals(opening: dict[str, Figures], reading: dict[str, Figures], upward: Figures) -> None:
    shortest, *_, longest, permalink = (figures["shown"] for figures in opening.values())
    shift = max(figures["shift"] for figures in [*opening.values(), *reading.values(), upward])
    key = max(figures["key"] for figures in reading.values())
    for goal, value, most in (
        ("first bubble of the longest conversation, times that of the shortest", longest / shortest, 1.2),
        ("permalink into the middle of the longest, times the first bubble of the shortest", permalink / shortest, 1.3),
        ("worst layout shift", shift, 0.02),
        ("slowest key to paint, ms", key, 100),
    ):
        print(f"{goal}: {value:.2f}, at most {most}: {'met' if value <= most else 'missed'}")


def _path(size: int, message: int | None = None) -> str:
    linked = "" if message is None else f"messages/{_ID}-{size}-{message}/"
    return f"/completions/{_ID}-{size}/{linked}"


class _Reader:
    """A window of Chromium that opens and reads conversations; every figure is of a page of its own."""

    def __init__(self, browser: Browser, window: BrowserContext) -> None:
        self._processes = browser.new_browser_cdp_session()
        self._window = window
        self._window.add_init_script(WATCH)
        self.key = ""

    def open(self, path: str) -> Figures:
        """Open a page and wait until it is still; give times in ms since it was asked for, memory in MB."""
        page, measure = self._page(path)
        figures = measure()
        page.close()
        return figures

    def load(self, size: int, count: int) -> Figures:
        """Press End until so many messages are loaded, then go from one to the next by the keyboard."""
        page, measure = self._page(_path(size))
        for _ in range(50 * count):
            if page.locator(_MESSAGES).count() >= count:
                break
            page.keyboard.press("End")
            page.evaluate(_FRAMES, 2)
        page.wait_for_function(_IS_STILL)
        figures = measure()
        page.locator(_MESSAGES).nth(max(0, count // 2 - _PRESSES // 2)).scroll_into_view_if_needed()
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

    def read_upward(self, size: int) -> Figures:
        """Turn the wheel from the last message of a conversation to the first; a full page is left by its link."""
        path, pages, seconds, shift = _path(size, size - 1), 0, 0.0, 0.0
        seen: list[str] = []
        while path:
            page, measure = self._page(path)
            path = _turn_wheel_up(page)
            here = page.locator(_MESSAGES).evaluate_all("(all) => all.map((one) => one.dataset.messageId)")
            seen = [*here, *(one for one in seen if one not in here)]
            seconds += page.evaluate("() => performance.now() / 1000")
            shift = max(shift, measure()["shift"])
            pages += 1
            page.close()
        if seen != [f"{_ID}-{size}-{number}" for number in range(size)]:
            sys.exit(f"Not every message was seen once and in order: {len(seen)} of {size:,}.")
        return {"pages": pages, "seconds": seconds, "shift": shift}

    def _page(self, path: str) -> tuple[Page, Callable[[], Figures]]:
        """Open a page and wait until it is still; give it with a function that measures it, then or later."""
        page = self._window.new_page()
        devtools = self._window.new_cdp_session(page)
        devtools.send("Performance.enable")
        page.goto(path)
        page.wait_for_function(_IS_STILL)

        def measure() -> Figures:
            metrics = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
            seen: Figures = page.evaluate("() => ({ ...benchmark, nodes: document.querySelectorAll('*').length })")
            layout = (metrics["LayoutDuration"] + metrics["RecalcStyleDuration"]) * 1000
            return {**seen, "layout": layout, "memory": self._memory()}

        return page, measure

    def _memory(self) -> float:
        """Read the memory of the page's process in MB: that of the largest renderer, for no other page is open."""
        processes = self._processes.send("SystemInfo.getProcessInfo")["processInfo"]
        return max(_read_memory(one["id"]) for one in processes if one["type"] == "renderer")

    def _find_key(self, page: Page) -> str:
        """Choose j if it moves to a message, else the arrow key that scrolls."""
        page.keyboard.press("j")
        page.evaluate(_FRAMES, 5)
        return "j" if page.locator(f"{_MESSAGES}:focus").count() else "ArrowDown"


def _turn_wheel_up(page: Page) -> str:
    """Give the path of the page before a full one, or "" at the beginning of the conversation."""
    page.mouse.move(700, 500)
    for _ in range(10_000):
        page.mouse.wheel(0, -600)
        page.evaluate(_FRAMES, 2)
        path: str | None = page.evaluate(_WAY_UP)
        if path is not None:
            return path
    sys.exit("The beginning of the conversation was not reached.")


def _read_memory(process: int) -> float:
    """Read how many MB of memory a process has to itself; not a number where there is no /proc."""
    status = Path(f"/proc/{process}/status")
    found = re.search(r"RssAnon:\s*(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1000 if found else float("nan")


def _in_turns(ways: dict[str, Callable[[], Figures]], rounds: int) -> dict[str, Figures]:
    """Measure each way once in every round; give the medians.

    The round before the first fills caches and does not count, unless it is the only one.
    """
    taken: dict[str, list[Figures]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, measure in ways.items():
            taken[name].append(measure())
    return {
        name: {figure: statistics.median(one[figure] for one in figures[1:] or figures) for figure in figures[0]}
        for name, figures in taken.items()
    }


def _format_load(figures: Figures) -> str:
    return f"{figures['layout']:8.0f} ms {figures['memory']:7.0f} MB {figures['nodes']:7.0f} {figures['shift']:8.4f}"


def make_conversation(size: int, chance: random.Random) -> str:
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
