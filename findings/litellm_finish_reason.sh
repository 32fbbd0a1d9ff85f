#!/bin/sh
# litellm 1.110.2, `Choices`: an answer that tells no finish reason, and one that ended in an error, are stored with
# `finish_reason: "stop"`. "Stop" in what LiteLLM wrote is no proof that the model came to its end.
# Seen 2026-11-28 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check litellm==1.110.2
cat >"$home/expected" <<'END'
None -> stop
error -> stop
content_filter -> content_filter
END
"$home/bin/python" - >"$home/seen" <<'END'
import logging
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or importing asks a server
from litellm.types.utils import Choices

logging.disable(logging.CRITICAL)
for reason in (None, "error", "content_filter"):
    print(reason, "->", Choices(finish_reason=reason).finish_reason)
END
diff "$home/expected" "$home/seen" && echo "as described"
