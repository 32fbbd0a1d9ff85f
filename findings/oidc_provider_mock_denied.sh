#!/bin/sh
# oidc-provider-mock 0.3.4: who denies at the provider was expected to come back with the `state` of the request, which
# RFC 6749 (4.1.2.1) requires where the request has one. It comes back without. A client then cannot tell a person who
# has changed their mind from an answer that it never asked for, so that a test of "cancelled" sees "failed".
# Seen 2026-11-29 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check oidc-provider-mock==0.3.4
cat >"$home/deny.py" <<'END'
from urllib.parse import parse_qs, urlsplit

from oidc_provider_mock import app

client = app().test_client()
request = {"client_id": "me", "response_type": "code", "scope": "openid", "redirect_uri": "http://localhost/back", "state": "mine"}
for form in ({"sub": "ann"}, {"action": "deny"}):
    answer = client.post("/oauth2/authorize", query_string=request, data=form)
    print({name: values[0] for name, values in parse_qs(urlsplit(answer.location).query).items() if name in ("error", "state")})
END
cat >"$home/expected" <<'END'
{'state': 'mine'}
{'error': 'access_denied'}
END
AUTHLIB_INSECURE_TRANSPORT=1 "$home/bin/python" -W ignore "$home/deny.py" >"$home/seen" 2>"$home/log" || cat "$home/log"
diff "$home/expected" "$home/seen" && echo "as described"
