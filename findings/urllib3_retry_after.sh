#!/bin/sh
# urllib3 2.5.0, `Retry.parse_retry_after`: what is no number and no date raises InvalidHeader, which callers catch; a
# well-formed date in a far year raises OverflowError instead. A date in the year 9999 is 250 thousand million seconds.
# Seen 2026-11-28 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check urllib3==2.5.0
cat >"$home/expected" <<'END'
InvalidHeader
InvalidHeader
OverflowError
True
END
"$home/bin/python" - >"$home/seen" <<'END'
from urllib3.util import Retry

for given in ("soon", "inf", "Sun, 06 Nov 99999999999 08:49:37 GMT"):
    try:
        print(Retry().parse_retry_after(given))
    except Exception as error:
        print(type(error).__name__)
print(Retry().parse_retry_after("Sun, 06 Nov 9999 08:49:37 GMT") > 2e11)
END
diff "$home/expected" "$home/seen" && echo "as described"
