#!/bin/sh
# playwright 1.65.2 (Python), `page.wait_for_function()` on a page whose policy has no 'unsafe-eval': an expression passes
# where it is true at the first look, and ends in an EvalError where it has to be looked at again, because it is evaluated
# anew each time. A function passes either way. So a test that waits by an expression passes until the machine is slow.
# Seen 2026-11-28 on Python 3.11.7 with Chromium 156.0.8078 (CHROMIUM names another).
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check playwright==1.65.2
CHROMIUM=${CHROMIUM:-$(command -v chromium-headless-shell || command -v chromium)}
export CHROMIUM
cat >"$home/expected" <<'END'
expression, true at once: passes
expression, true later: EvalError
function, true at once: passes
function, true later: passes
END
"$home/bin/python" - >"$home/seen" <<'END'
import os

from playwright.sync_api import Error, sync_playwright

PAGE = {
    "body": "<title>a page</title>",
    "headers": {"content-type": "text/html", "content-security-policy": "script-src 'self'"},
}


def outcome(page, form, delay):
    page.evaluate("delay => { window.ready = !delay; setTimeout(() => { window.ready = true; }, delay); }", delay)
    try:
        page.wait_for_function(form, timeout=10_000)
    except Error as error:
        return "EvalError" if "EvalError" in str(error) else str(error)
    return "passes"


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"])
    page = browser.new_page()
    page.route("**/*", lambda route: route.fulfill(**PAGE))
    page.goto("http://page.example/")
    for name, form in ("expression", "window.ready"), ("function", "() => window.ready"):
        for when, delay in ("at once", 0), ("later", 500):
            print(f"{name}, true {when}: {outcome(page, form, delay)}")
END
diff "$home/expected" "$home/seen" && echo "as described"
