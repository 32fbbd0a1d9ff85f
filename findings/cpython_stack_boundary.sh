#!/bin/sh
# CPython 3.11.7, 3.12.1 and 3.13.0 (no package needed): whatever calls a Python function once for each item, be it
# `parse_int` of json, `re.sub`, `map`, `sorted` or a plain loop, is many times as slow at a few depths of the stack. There,
# each call maps a new piece of the stack and unmaps it again, which costs a page fault for each item. The depth is that of
# the whole program, so that one page of a server can always be slow, or one test under pytest-xdist only.
# Seen 2026-11-29: json reads 10,000 integers by such a function in 1.4 ms at 596 of 600 depths, and in up to 93 ms at the
# other 4. Where C does it all, as json does with its own integers, it takes 0.4 ms at every depth.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
cat >"$home/expected" <<'END_OF_EXPECTED'
json, with a function for integers: a page fault for each item at a few depths
map: a page fault for each item at a few depths
a plain loop: a page fault for each item at a few depths
json, without: at no depth
END_OF_EXPECTED
"${PYTHON:-python3}" - >"$home/seen" <<'END_OF_PROGRAM'
import json
import resource
import sys

sys.setrecursionlimit(5000)
COUNT = 10_000
TEXT = json.dumps([7] * COUNT)


def read(digits):
    try:
        return int(digits)
    except ValueError:
        return digits


def loop():
    for digits in "7" * COUNT:
        read(digits)


def page_faults(depth, run):
    if depth:
        return page_faults(depth - 1, run)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    run()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


for name, run in {
    "json, with a function for integers": lambda: json.loads(TEXT, parse_int=read),
    "map": lambda: list(map(read, "7" * COUNT)),
    "a plain loop": loop,
    "json, without": lambda: json.loads(TEXT),
}.items():
    slow = sum(page_faults(depth, run) > 0.9 * COUNT for depth in range(600))
    few = "a page fault for each item at a few depths"
    print(f"{name}:", "at no depth" if not slow else few if slow < 60 else "at many depths")
END_OF_PROGRAM
diff "$home/expected" "$home/seen" && echo "as described"
