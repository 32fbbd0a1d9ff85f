#!/bin/sh
# langchain-core 1.8.3, `convert_to_openai_messages`, which tracers and exporters use to write chat completions. Dropped
# without a word: that a tool failed (`status="error"`), a call whose arguments were no JSON (`invalid_tool_calls`), and
# the sources of a text. So in such a file a failed tool may look like any other, a call may be missing, and an answer
# that had sources has none.
# Seen 2026-11-28 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check langchain-core==1.8.3
cat >"$home/expected" <<'END'
{'role': 'tool', 'tool_call_id': 'c1', 'content': 'disk full'}
{'role': 'assistant', 'content': ''}
{'role': 'assistant', 'content': 'Open at nine.'}
END
"$home/bin/python" - >"$home/seen" <<'END'
from langchain_core.messages import AIMessage, ToolMessage, convert_to_openai_messages

cited = {"type": "text", "text": "Open at nine.", "annotations": [{"type": "citation", "url": "https://shop.example/"}]}
broken = {"id": "c2", "name": "log", "args": "{bad", "error": "no JSON"}
for message in (
    ToolMessage("disk full", tool_call_id="c1", status="error"),
    AIMessage("", invalid_tool_calls=[broken]),
    AIMessage([cited]),
):
    print(convert_to_openai_messages(message))
END
diff "$home/expected" "$home/seen" && echo "as described"
