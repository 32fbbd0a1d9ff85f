#!/bin/sh
# opik 2.2.122, what `track_openai` records of a streamed answer: no refusal, no citations, no second choice. One would
# guess that a trace has what the program got, as it has of an answer that is not streamed. Who reads the trace sees an
# empty answer where the model refused.
# Seen 2026-11-30 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check opik==2.2.122 openai==2.54.0
cat >"$home/expected" <<'END'
sent: 2 choices, refusal "I cannot help.", 1 citation
recorded: 1 choice, {"role": "assistant", "content": ""}
END
"$home/bin/python" - >"$home/seen" 2>"$home/log" <<'END'
import json

from openai.types.chat import ChatCompletionChunk
from opik.integrations.openai.chat_completion_chunks_aggregator import aggregate

place = {"url": "https://shop.example", "title": "Shop", "start_index": 0, "end_index": 1}
cited = {"annotations": [{"type": "url_citation", "url_citation": place}]}
deltas = [{"role": "assistant", "refusal": "I cannot "}, {"refusal": "help."}, cited, {}]
chunks = [
    ChatCompletionChunk.model_validate(
        {"id": "c", "created": 1, "model": "m", "object": "chat.completion.chunk",
         "choices": [{"index": index, "delta": delta, "finish_reason": None if delta else "stop"}]}
    )
    for delta in deltas
    for index in (0, 1)
]
refusal = "".join(chunk.choices[0].delta.refusal or "" for chunk in chunks if chunk.choices[0].index == 0)
print(f'sent: 2 choices, refusal "{refusal}", 1 citation')
choices = aggregate(chunks).model_dump(exclude_none=True)["choices"]
print("recorded:", len(choices), "choice,", json.dumps(choices[0]["message"]))
END
diff "$home/expected" "$home/seen" && echo "as described"
