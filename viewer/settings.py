"""Every setting, read once from the environment. The table in docs/settings.md documents them."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import ssl
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from viewer.deployment.api_hosts import read_entries
from viewer.deployment.data_dir import kept_secret, may_make_archive, open_folder
from viewer.deployment.environment import read_environment
from viewer.deployment.site_url import is_loopback, read_site_url

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]
env = read_environment()


def _bool(name: str, default: bool) -> bool:
    """Read a switch. Only true and false count: a misspelt one must not pass for either."""
    given = str(env.str(name, default=str(default))).strip().lower()
    if given not in ("true", "false"):
        raise ImproperlyConfigured(f"{name} is {given!r}; write true or false.")
    return given == "true"


def _int(name: str, default: int, lowest: int, highest: int) -> int:
    given = env.str(name, default=str(default)).strip()
    if not given.isdecimal() or not lowest <= int(given) <= highest:
        raise ImproperlyConfigured(f"{name} is {given!r}; write a whole number from {lowest} to {highest}.")
    return int(given)


def _secret(name: str, make: Callable[[], str]) -> str:
    """Read a secret from the environment, else from DATA_DIR, where it is made once."""
    return env.str(name, default="") or kept_secret(DATA_DIR, name, make)


def _master_keys() -> list[str]:
    """Read the keys that encrypt API keys, newest first: each 32 bytes, base64."""
    given = _secret("KEY_ENCRYPTION_KEYS", lambda: base64.b64encode(secrets.token_bytes(32)).decode())
    keys = [key.strip() for key in given.replace("\n", ",").split(",") if key.strip()]
    if not keys:
        raise ImproperlyConfigured("KEY_ENCRYPTION_KEYS holds no key; give at least one, 32 bytes in base64.")
    for key in keys:
        try:
            is_right = len(base64.b64decode(key, validate=True)) == 32
        except binascii.Error:
            is_right = False
        if not is_right:
            raise ImproperlyConfigured("KEY_ENCRYPTION_KEYS holds a value that is not 32 bytes in base64.")
    return keys


def _api_hosts() -> list[str]:
    try:
        return read_entries(env.str("API_HOSTS", default="api.openai.com"))
    except ValueError as error:
        raise ImproperlyConfigured(
            f"API_HOSTS: {error}. Write host, host:port, .domain or http://private-host:port, with commas between."
        ) from None


def _authorities() -> str:
    """Read which certificates to trust upstream: ours to set, or as other programs are told."""
    given = {"UPSTREAM_CA": env.str("UPSTREAM_CA", default="")}
    given |= {name: os.environ.get(name, "") for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")}
    name, file = next(((name, file) for name, file in given.items() if file), ("", ""))
    if os.path.isdir(file):
        if not any(re.fullmatch(r"[0-9a-f]{8}\.\d+", entry) for entry in os.listdir(file)):
            said = f"{name} is {file!r}, a folder without certificates under their hashes, so none would be found."
            raise ImproperlyConfigured(f"{said} Run openssl rehash {file}, or name a file.")
    elif file:
        try:
            ssl.create_default_context(cafile=file)
        except OSError as error:  # ssl.SSLError is one too
            raise ImproperlyConfigured(f"{name} is {file!r}, which holds no certificates: {error.strerror}.") from None
    return file


def _database() -> dict[str, Any]:
    config: dict[str, Any] = env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'lectern.sqlite3'}")
    config |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    if config["ENGINE"].endswith("postgresql"):
        # Each thread keeps a connection; psycopg's pool would wait for a lost server, and for a while after it is back.
        # A server that is cut off is noticed after some 20 seconds, also while it is asked; else TCP waits for minutes.
        noticing = {"keepalives_idle": 10, "keepalives_interval": 3, "keepalives_count": 3, "tcp_user_timeout": 20_000}
        config["OPTIONS"] = {"connect_timeout": 5, **noticing, **config.get("OPTIONS", {})}
    if config["ENGINE"].endswith("sqlite3"):
        if not may_make_archive() and not config["NAME"].startswith((":memory:", "file:")):
            config["NAME"] = f"file:{quote(config['NAME'])}?mode=rw"  # SQLite makes a file that is not there
        # IMMEDIATE: a transaction that will write takes its turn at once, instead of failing half-way. The journal
        # gives the disk back what a big import took.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
            "PRAGMA journal_size_limit=67108864;",
        }
    return config


def _cache(name: str, most: int) -> dict[str, Any]:
    """Read where to keep what can be made again: in Redis, or in this process, there at most so many entries."""
    config: dict[str, Any] = {**env.cache_url("CACHE_URL", default="locmemcache://"), "KEY_PREFIX": name}
    config["OPTIONS"] = {"MAX_ENTRIES": most}
    if config["BACKEND"] == "django.core.cache.backends.redis.RedisCache":
        return config | {"BACKEND": "viewer.web.redis_fallback.RedisElseMemory"}
    return config | {"LOCATION": name}


DEBUG = _bool("DEBUG", False)
HOST = env.str("HOST", default="127.0.0.1")
PORT = _int("PORT", 8000, 1, 65535)
_SITE = read_site_url(env.str("SITE_URL", default=f"http://127.0.0.1:{PORT}"))
_IS_HTTPS = _SITE.scheme == "https"
SITE_URL = _SITE.geturl()
SITE_IS_PUBLIC = not is_loopback(_SITE.hostname or "")
DEMO = _bool("DEMO", not _IS_HTTPS)
DEMO_PASSWORD = env.str("DEMO_PASSWORD", default="")
CONTACT = env.str("CONTACT", default="").strip()
if DEBUG and SITE_IS_PUBLIC:
    raise ImproperlyConfigured(f"DEBUG shows settings and source code, so {SITE_URL} cannot be served with it.")
DATA_DIR = open_folder(env.str("DATA_DIR", default="") or str(BASE_DIR / "data"))
SECRET_KEY = _secret("SECRET_KEY", lambda: secrets.token_urlsafe(50))
if len(SECRET_KEY) < 32 and SITE_IS_PUBLIC:
    raise ImproperlyConfigured("SECRET_KEY is too short; give 32 characters or more, or leave it out to have one made.")
KEY_ENCRYPTION_KEYS = _master_keys()
API_HOSTS = _api_hosts()
REMOTE_IMAGES = _bool("REMOTE_IMAGES", True)
SERVER_THREADS = 40  # each serves one request
STREAMS = 20  # answers at a time of which each holds a thread until its reader has taken it
SENDERS, SENDERS_OF_NETWORK = 5, 2  # forms at a time of which each holds a thread until it has come whole
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000  # bytes that a form may send; nobody sends files
SYNC_WORKER = _bool("SYNC_WORKER", True)
UPSTREAM_PROXY = env.str("UPSTREAM_PROXY", default="")
UPSTREAM_CA = _authorities()
UPSTREAM_DEADLINE = _int("UPSTREAM_DEADLINE", 15, 1, 120)  # seconds, for one question with all its retries' answers
UPSTREAM_MAX_CONCURRENCY = _int("UPSTREAM_MAX_CONCURRENCY", 8, 1, 12)  # at a time to one host; far below SERVER_THREADS
UPSTREAM_MAX_BYTES = _int("UPSTREAM_MAX_MB", 32, 1, 512) * 1_000_000  # of one response, decoded
UPSTREAM_CACHE_SECONDS = _int("UPSTREAM_CACHE_SECONDS", 300, 0, 3600)

# Django compares without the port, and an IPv6 address in its brackets.
ALLOWED_HOSTS = [_SITE.netloc.removesuffix(f":{_SITE.port}"), "127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [SITE_URL]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "django_htmx",
    "csp",
    "viewer.web",
    "viewer.accounts",
    "viewer.archive",
    "viewer.keys",
    "viewer.sources",
    "viewer.sync",
    "viewer.rendering",
    "viewer.operations",
]

MIDDLEWARE = [
    "viewer.web.logs.RequestLogMiddleware",
    "viewer.web.middleware.PageGZipMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "viewer.web.middleware.PageHeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "viewer.web.middleware.AddressMiddleware",
    "viewer.web.middleware.FormMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "viewer.web.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "viewer.accounts.signing_in.SignInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "viewer.web.middleware.TimeZoneMiddleware",
    "viewer.web.middleware.StreamsMiddleware",
    "viewer.sources.problem_pages.ProblemMiddleware",
]

ROOT_URLCONF = "viewer.urls"
WSGI_APPLICATION = "viewer.wsgi.application"
_TEMPLATE_LOADERS = ["viewer.web.template_loader.Loader", "django.template.loaders.app_directories.Loader"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [("django.template.loaders.cached.Loader", _TEMPLATE_LOADERS)],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "viewer.sources.context.sources",
            ],
            "builtins": ["django.templatetags.i18n"],
        },
    },
]

DATABASES = {"default": _database()}
CACHES = {
    "default": _cache("lectern", 10_000),
    "bubbles": _cache("bubbles", 1_000),  # HTML, each at most 64 kB, so 64 MB in all (rendering/templatetags)
    "attempts": _cache("attempts", 100_000),  # counters of wrong passwords, which nothing else may push out
    "finds": _cache("finds", 200),  # stretches of a conversation that were searched, each some 400 kB at most
    "answers": _cache("answers", 256),  # of upstreams, each at most 256 kB, so 64 MB in all (client/client.py)
}
DEFAULT_EXCEPTION_REPORTER_FILTER = "viewer.web.error_reports.NoVariables"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "viewer.web.bundles.BundleFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "viewer.accounts.hashing.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
ACCOUNT_ADAPTER = "viewer.accounts.signing_in.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None}  # viewer/accounts/attempts.py counts instead
ALLAUTH_TRUSTED_PROXY_COUNT = _int("TRUSTED_PROXIES", 0, 0, 9)

SESSION_ENGINE = "viewer.accounts.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60  # seconds; a working day
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _IS_HTTPS
SESSION_COOKIE_NAME = "__Host-session" if _IS_HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if _IS_HTTPS else "csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "viewer.web.error_pages.form_refused"
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if _IS_HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"  # no-referrer makes browsers send Origin: null, and Django refuses sign-in
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # data: for the icons in the style sheet
        "media-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for subdomains and in the preload list (W021) are for the domain's owner to decide
    "security.W021",
    "security.W008",  # the proxy that brings TLS redirects to it
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "German")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60  # seconds
LANGUAGE_COOKIE_SECURE = _IS_HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"without_path": {"()": "viewer.web.logs.WithoutPath"}},
    "formatters": {"json": {"()": "viewer.web.logs.JsonLines"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "django.request": {"level": "ERROR", "filters": ["without_path"]},  # what is refused has its line anyway
        "django.security.DisallowedHost": {"level": "CRITICAL"},  # a stranger's Host header is not our failure
        "lectern": {"level": "INFO"},
    },
}
