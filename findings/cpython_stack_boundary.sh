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
json, with a function for integers: a page fault for each item, at a few depths
map: a page fault for each item, at a few depths
a plain loop: a page fault for each item, at a few depths
json, without: nowhere
END_OF_EXPECTED
"${PYTHON:-python3}" - >"$home/seen" <<'END_OF_PROGRAM'
import json
import resource

COUNT = 2_000
TEXT = json.dumps([7] * COUNT)


def read(digits):
    try:
        return int(digits)
    except ValueError:
        return digits


def loop():
    for digits in "7" * COUNT:
        read(digits)


def page_faults(run):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    run()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def at(depth, run):
    return at(depth - 1, run) if depth else page_faults(run)


def behind(variables):
    """A function whose own piece of the stack has so many variables, for a boundary lies between any two of them."""
    named = "; ".join(f"v{n} = 0" for n in range(variables)) or "pass"
    exec(f"def call(depth, run): {named}; return at(depth, run)", globals())
    return call


PLACES = [(behind(variables), depth) for variables in range(12) for depth in range(250)]
for name, run in {
    "json, with a function for integers": lambda: json.loads(TEXT, parse_int=read),
    "map": lambda: list(map(read, "7" * COUNT)),
    "a plain loop": loop,
    "json, without": lambda: json.loads(TEXT),
}.items():
    slow = sum(call(depth, run) > 0.9 * COUNT for call, depth in PLACES) / len(PLACES)
    print(f"{name}:", "nowhere" if not slow else "a page fault for each item, at a few depths" if slow < 0.1 else "everywhere")
END_OF_PROGRAM
diff "$home/expected" "$home/seen" && echo "as described"
