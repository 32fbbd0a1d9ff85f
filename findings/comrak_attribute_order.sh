#!/bin/sh
# comrak 0.0.16 (Python): with `full_info_string`, `class` and `data-meta` of a code block change places from one call to
# the next, in one process. A cache, a test or a pattern that compares HTML must not count on an order.
# Seen 2026-11-28 on Python 3.11.7: 200 calls gave both.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check comrak==0.0.16
cat >"$home/expected" <<'END'
<pre><code class="language-js" data-meta="title">x</code></pre>
<pre><code data-meta="title" class="language-js">x</code></pre>
END
"$home/bin/python" - >"$home/seen" <<'END'
import comrak

options = comrak.RenderOptions()
options.full_info_string = True
seen = {comrak.render_markdown("```js title\nx\n```", render_options=options) for _ in range(200)}
print(*sorted(html.replace("\n", "") for html in seen), sep="\n")
END
diff "$home/expected" "$home/seen" && echo "as described"
