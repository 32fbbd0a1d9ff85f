#!/bin/sh
# lfx 1.13.0, `MessageResponse`, as which Langflow's API v1 gives messages: an answer with a picture, its reasoning and a
# source was expected to have them in `content_blocks`, as it does when the agent called a tool besides. Without a tool
# call they are left out without a trace: the answer has its text alone. Its database has them. And `files`, a list of
# texts by its model, is one text with JSON; a time ends in “UTC”, which `datetime.fromisoformat` does not take.
# Seen 2026-11-30 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check lfx==1.13.0
"$home/bin/python" - >"$home/seen" 2>"$home/said" <<'END' || { cat "$home/said" >&2; exit 1; }
from lfx.schema.content_types import CitationContent, ImageContent, ReasoningContent, TextContent, ToolContent
from lfx.schema.message import Message, MessageResponse

answer = [
    ReasoningContent(text="I need the photo."),
    TextContent(text="This is the parcel."),
    ImageContent(urls=["https://example.com/parcel.png"]),
    CitationContent(url="https://example.com/shipping", title="Shipping"),
]
for blocks in (answer, [ToolContent(name="look_up"), *answer]):
    said = Message(sender="Machine", sender_name="AI", session_id="s1", text="", files=["f1/box.png"])
    said.content_blocks = blocks
    given = MessageResponse.from_message(said).model_dump(mode="json")
    print(given["text"], [part["type"] for group in given["content_blocks"] for part in group["contents"]])
print(repr(given["files"]), given["timestamp"][-4:])
END
cat >"$home/expected" <<'END'
This is the parcel. []
This is the parcel. ['tool_use', 'reasoning', 'text', 'image', 'citation']
'["f1/box.png"]'  UTC
END
diff "$home/expected" "$home/seen" && echo "as described"
