#!/bin/sh
# CPython 3.11.7, 3.12.1 and 3.13.0 (no package needed): a Python function given to json as `parse_int` (or any other that
# C code calls once for each item) makes decoding fifty times as slow at a few depths of the stack: there, each call of it
# maps a new piece of the stack and unmaps it again, which costs one page fault for each integer of the text. The depth is
# that of the whole program, so one page of a server can be slow for ever, and one test only under pytest-xdist.
# Seen 2026-11-29: 10,000 integers take 1.4 ms at 596 of 600 depths, and up to 93 ms with 10,000 page faults at the other 4;
# with json's own integers, 0.4 ms and at most 1 page fault at any depth.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
cat >"$home/expected" <<'END_OF_EXPECTED'
a function of Python's: a page fault for each integer at some depths, none at most
json's own: none at any
END_OF_EXPECTED
"${PYTHON:-python3}" - >"$home/seen" <<'END_OF_PROGRAM'
import json
import resource
import sys

sys.setrecursionlimit(5000)
COUNT = 10_000
TEXT = json.dumps([7] * COUNT)


def faults(decoder):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    decoder.decode(TEXT)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def at(depth, decoder):
    return at(depth - 1, decoder) if depth else faults(decoder)


def describe(decoder):
    slow = sum(at(depth, decoder) > 0.9 * COUNT for depth in range(600))
    return "none at any" if not slow else f"a page fault for each integer at {'some depths, none at most' if slow < 60 else 'most'}"


print("a function of Python's:", describe(json.JSONDecoder(parse_int=lambda digits: int(digits))))
print("json's own:", describe(json.JSONDecoder()))
END_OF_PROGRAM
diff "$home/expected" "$home/seen" && echo "as described"
