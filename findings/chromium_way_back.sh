#!/bin/sh
# playwright 1.65.2 (Python) with Chromium 156: a page that lets itself be kept is gone back to. It was expected to come back
# from the back/forward cache, as it does for everybody who reads it. By default Playwright switches the cache off; without
# that switch a whole Chromium keeps the page, and the headless shell of the same version does not. So no test that runs in
# the shell can see what is still shown after signing out.
# Seen 2026-11-28 on Python 3.11.7 with Debian's chromium and chromium-headless-shell 156.0.8078.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check playwright==1.65.2
cat >"$home/expected" <<'END'
chromium, as Playwright starts it: loaded anew
chromium, cache left on: kept
chromium-headless-shell, as Playwright starts it: loaded anew
chromium-headless-shell, cache left on: loaded anew
END
"$home/bin/python" - >"$home/seen" <<'END'
import http.server
import shutil
import threading

from playwright.sync_api import sync_playwright

PAGE = b"<title>a page</title><script>onpageshow = event => { window.kept = event.persisted; };</script>"


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *args):
        pass


site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
threading.Thread(target=site.serve_forever, daemon=True).start()
home = f"http://127.0.0.1:{site.server_port}"
with sync_playwright() as playwright:
    for program in "chromium", "chromium-headless-shell":
        for how, ignored in ("as Playwright starts it", []), ("cache left on", ["--disable-back-forward-cache"]):
            browser = playwright.chromium.launch(
                executable_path=shutil.which(program), args=["--no-sandbox"], ignore_default_args=ignored
            )
            page = browser.new_page()
            page.goto(f"{home}/one")
            page.goto(f"{home}/two")
            page.go_back(wait_until="commit")
            page.wait_for_function("() => window.kept !== undefined")
            print(f"{program}, {how}: {'kept' if page.evaluate('kept') else 'loaded anew'}")
            browser.close()
END
diff "$home/expected" "$home/seen" && echo "as described"
