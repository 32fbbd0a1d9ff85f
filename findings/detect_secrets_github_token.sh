#!/bin/sh
# detect-secrets 1.5.0, `scan_line`: the secret that it reports for a token of GitHub or GitLab is the prefix, "ghp" or
# "glpat", and of a JSON Web Token the signature is missing. Whoever replaces `secret_value` in the text leaves the secret.
# Seen 2026-11-29 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check detect-secrets==1.5.0
cat >"$home/expected" <<'END'
GitHub Token: ghp
GitLab Token: glpat
JSON Web Token: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.
END
"$home/bin/python" - >"$home/seen" <<'END'
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import default_settings

tokens = ("ghp_" + "a1B2" * 9, "glpat-" + "a1B2" * 5, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dGhpc2lzbm90YXJlYWw")
with default_settings():
    for token in tokens:
        for secret in scan_line(f"see {token} here"):
            if secret.type.endswith("Token"):
                print(f"{secret.type}: {secret.secret_value}")
END
diff "$home/expected" "$home/seen" && echo "as described"
