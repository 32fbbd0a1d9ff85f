#!/bin/sh
# django-allauth 65.21.1 with its default settings: 40 people of one office (one address) sign in within a minute, each at
# the first try and with the right password. Only wrong passwords were expected to count; the 31st and all after it get 429.
# Seen 2026-11-28 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check django==5.2.19 django-allauth==65.21.1
"$home/bin/python" - >"$home/seen" <<'END'
import itertools

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only here",
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF="allauth.account.urls",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions", "messages")]
    + ["allauth", "allauth.account"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": ["django.contrib.auth.context_processors.auth",
                                               "django.template.context_processors.request"]},
        }
    ],
    AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ACCOUNT_LOGIN_METHODS={"username"},
    ACCOUNT_EMAIL_VERIFICATION="none",
    LOGIN_REDIRECT_URL="/welcome/",
)
django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)
statuses = []
for number in range(40):
    User.objects.create_user(f"person{number}", password="a right password")
    answers = {"login": f"person{number}", "password": "a right password"}
    statuses.append(Client().post("/login/", answers).status_code)
for status, group in itertools.groupby(statuses):
    print(status, len(list(group)))
END
cat >"$home/expected" <<'END'
302 30
429 10
END
diff "$home/expected" "$home/seen" && echo "as described"
