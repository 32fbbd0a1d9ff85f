#!/bin/sh
# gradio 6.31.0, the log of reactions that `gr.ChatInterface(flagging_mode="manual")` writes: its first line names five
# columns, each further line has four values. So what is read by names has the reaction under `value`, the time under
# `flag`, and nothing under `timestamp`. The whole conversation stands again in the line of each reaction.
# Seen 2026-11-30 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check gradio==6.31.0
cat >"$home/expected" <<'END'
conversation,index,value,flag,timestamp
value: Like, flag: a time, timestamp: None
value: Dislike, flag: a time, timestamp: None
END
GRADIO_ANALYTICS_ENABLED=False "$home/bin/python" - "$home" >"$home/seen" <<'END'
import csv
import sys
from datetime import datetime
from pathlib import Path

from gradio.events import LikeData
from gradio.flagging import ChatCSVLogger

talk = [{"role": "user", "content": "Where is A17?"}, {"role": "assistant", "content": "On its way."}]
log = ChatCSVLogger()
log.setup(sys.argv[1])
for liked in (True, False):
    log.flag(LikeData(target=None, data={"index": 1, "value": "On its way.", "liked": liked}), talk)
lines = (Path(sys.argv[1]) / "log.csv").read_text().splitlines()
print(lines[0])
for row in csv.DictReader(lines):
    datetime.fromisoformat(row["flag"])
    print(f"value: {row['value']}, flag: a time, timestamp: {row['timestamp']}")
END
diff "$home/expected" "$home/seen" && echo "as described"
