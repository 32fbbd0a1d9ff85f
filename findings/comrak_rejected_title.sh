#!/bin/sh
# comrak 0.0.16 (Python): where the line after a link definition starts like its title and is none, because more follows,
# CommonMark drops the title and keeps the line as text. comrak shows the text and keeps the title as well: the words
# stand twice, once as a tooltip of the link. markdown-it-py 4.3.0 keeps them once.
# Seen 2026-11-28 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check comrak==0.0.16 markdown-it-py==4.3.0
cat >"$home/expected" <<'END'
comrak: <p>&quot;gross&quot; in euros</p><p><a href="/list" title="gross">prices</a></p>
markdown-it-py: <p>&quot;gross&quot; in euros</p><p><a href="/list">prices</a></p>
END
"$home/bin/python" - >"$home/seen" <<'END'
import comrak
from markdown_it import MarkdownIt

text = '[prices]: /list\n"gross" in euros\n\n[prices]'
print("comrak:", comrak.render_markdown(text).replace("\n", ""))
print("markdown-it-py:", MarkdownIt().render(text).replace("\n", ""))
END
diff "$home/expected" "$home/seen" && echo "as described"
