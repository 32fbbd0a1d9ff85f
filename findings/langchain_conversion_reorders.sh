#!/bin/sh
# langchain-core 1.8.3, `convert_to_openai_messages`: a human message that holds the result of a tool and then a text
# becomes two messages with the text first. So the person seems to speak between the call and its result, and a reader
# that ties a result to the message before it finds none. The failure flag of the result (`is_error`) is gone as well.
# Seen 2026-11-28 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check langchain-core==1.8.3
cat >"$home/expected" <<'END'
{'role': 'user', 'content': 'And now?'}
{'role': 'tool', 'tool_call_id': 't1', 'content': 'no such order'}
END
"$home/bin/python" - >"$home/seen" <<'END'
from langchain_core.messages import HumanMessage, convert_to_openai_messages

result = {"type": "tool_result", "tool_use_id": "t1", "content": "no such order", "is_error": True}
for message in convert_to_openai_messages([HumanMessage([result, {"type": "text", "text": "And now?"}])]):
    print(message)
END
diff "$home/expected" "$home/seen" && echo "as described"
