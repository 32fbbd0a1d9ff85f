#!/bin/sh
# phonenumberslite 9.0.42, `PhoneNumberMatcher`: after 65,535 numbers that are no phone numbers it ends, as if there were
# no more. In a long text with many order numbers it misses a phone number at the end, without a word. (`max_tries`
# raises the limit.)
# Seen 2026-11-29 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check phonenumberslite==9.0.42
cat >"$home/expected" <<'END'
60000 orders: 1 phone number
70000 orders: 0 phone number
END
"$home/bin/python" - >"$home/seen" <<'END'
from phonenumbers import PhoneNumberMatcher

for orders in (60_000, 70_000):
    text = "Order 12345678 was paid. " * orders + "Call +44 20 7946 0958."
    print(orders, "orders:", sum(1 for _ in PhoneNumberMatcher(text, None)), "phone number")
END
diff "$home/expected" "$home/seen" && echo "as described"
