#!/bin/sh
# livekit-agents 1.8.9, `ChatContext.to_dict()`, which its reports of sessions use too: what a customer showed or said was
# expected to be in it, at least the words. A picture and a piece of sound are left out without a trace, the sound with
# the words that were heard in it (`transcript`): the message stays, and is empty. So does every time. They are there
# with `exclude_image=False`, `exclude_audio=False` and `exclude_timestamp=False`. Seen 2026-11-30 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check livekit-agents==1.8.9
"$home/bin/python" - >"$home/seen" <<'END'
from livekit import rtc
from livekit.agents.llm import AudioContent, ChatContext, ImageContent

frame = rtc.AudioFrame(data=b"\0\0" * 16, sample_rate=16000, num_channels=1, samples_per_channel=16)
said = ChatContext()
said.add_message(role="user", content=[AudioContent(frame=[frame], transcript="Where is my parcel?")])
said.add_message(role="user", content=[ImageContent(image="https://example.com/parcel.png")])
for item in said.to_dict()["items"]:
    print(item["role"], item["content"], "created_at" in item)
whole = said.to_dict(exclude_image=False, exclude_audio=False, exclude_timestamp=False)
for item in whole["items"]:
    (part,) = item["content"]
    print(item["role"], part.get("transcript") or part.get("image"), "created_at" in item)
END
cat >"$home/expected" <<'END'
user [] False
user [] False
user Where is my parcel? True
user https://example.com/parcel.png True
END
diff "$home/expected" "$home/seen" && echo "as described"
