#!/bin/sh
# pip 26.3, and 23.0.1 of Debian 12: `pip config get` was expected to answer what `pip config list` shows. Of the machine's
# own file, which an administrator writes for everybody, it says "No such key" and ends with 1; of the user's file it tells.
# So a script that asks for a company's index or certificate by `get` finds none.
# Seen 2026-11-28 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check pip==26.3
mkdir -p "$home/machine/pip" "$home/user/.config/pip"
printf '[global]\nprogress-bar = off\n' >"$home/machine/pip/pip.conf"
ask() {
    env -i PATH="$PATH" HOME="$home/user" XDG_CONFIG_DIRS="$home/machine" "$home/bin/python" -m pip config "$@" 2>&1
}
cat >"$home/expected" <<'END'
global.progress-bar='off'
ERROR: No such key - global.progress-bar
ends with 1
global.progress-bar='off'
off
END
{
    ask list | grep progress-bar
    ask get global.progress-bar || echo "ends with $?"
    mv "$home/machine/pip/pip.conf" "$home/user/.config/pip/pip.conf"
    ask list | grep progress-bar
    ask get global.progress-bar
} >"$home/seen"
diff "$home/expected" "$home/seen" && echo "as described"
