#!/bin/sh
# comrak 0.0.16 (Python), the Rust crate behind it: a text may expand references only in proportion to its own length.
# In a short text with one long address, the first `[1]` is a link and the others stay `[1]`; markdown-it-py 4.3.0 makes a
# link of each. An answer that cites one source three times looks as if two of them led nowhere.
# Seen 2026-11-28 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check comrak==0.0.16 markdown-it-py==4.3.0
cat >"$home/expected" <<'END'
comrak 1 links, 2 left as [1]
markdown-it-py 3 links, 0 left as [1]
END
"$home/bin/python" - >"$home/seen" <<'END'
import comrak
from markdown_it import MarkdownIt

text = "[1] [1] [1]\n\n[1]: https://x.example/z"
for name, html in (("comrak", comrak.render_markdown(text)), ("markdown-it-py", MarkdownIt().render(text))):
    print(name, html.count("<a "), "links,", html.count("[1]"), "left as [1]")
END
diff "$home/expected" "$home/seen" && echo "as described"
