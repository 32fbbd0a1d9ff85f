"""All settings, read once from the environment. docs/settings.md documents them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
import ssl
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import snowballstemmer
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from viewer.deployment.api_hosts import read_entries
from viewer.deployment.cores import cores
from viewer.deployment.data_dir import may_create_archive, open_folder, read_or_create_secret
from viewer.deployment.environment import read_environment
from viewer.deployment.metadata_urls import read_url_pattern, read_url_patterns
from viewer.deployment.site_url import is_loopback, read_site_url

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]
env = read_environment()


def _bool(name: str, default: bool) -> bool:
    """Read a switch. Only true and false are valid: a typo must not count as either."""
    value = str(env.str(name, default=str(default))).strip().lower()
    if value not in ("true", "false"):
        raise ImproperlyConfigured(f"{name} is {value!r}; write true or false.")
    return value == "true"


def _int(name: str, default: int, minimum: int, maximum: int) -> int:
    value = env.str(name, default=str(default)).strip()
    if not value.isdecimal() or not minimum <= int(value) <= maximum:
        raise ImproperlyConfigured(f"{name} is {value!r}; write a whole number from {minimum} to {maximum}.")
    return int(value)


def _secret(name: str, make: Callable[[], str]) -> str:
    """Read a secret from the environment, else from DATA_DIR, where it is generated once."""
    return env.str(name, default="") or read_or_create_secret(DATA_DIR, name, make)


def _master_keys() -> list[str]:
    """Read the keys that encrypt API keys, newest first: each 32 bytes, base64."""
    value = _secret("KEY_ENCRYPTION_KEYS", lambda: base64.b64encode(secrets.token_bytes(32)).decode())
    keys = [key.strip() for key in value.replace("\n", ",").split(",") if key.strip()]
    if not keys:
        raise ImproperlyConfigured("KEY_ENCRYPTION_KEYS holds no key; give at least one, 32 bytes in base64.")
    for key in keys:
        try:
            is_valid = len(base64.b64decode(key, validate=True)) == 32
        except binascii.Error:
            is_valid = False
        if not is_valid:
            raise ImproperlyConfigured("KEY_ENCRYPTION_KEYS holds a value that is not 32 bytes in base64.")
    return keys


def _api_hosts() -> list[str]:
    try:
        return read_entries(env.str("API_HOSTS", default="api.openai.com"))
    except ValueError as error:
        raise ImproperlyConfigured(
            f"API_HOSTS: {error}. Write host, host:port, .domain or http://private-host:port, with commas between."
        ) from None


def _single_sign_on() -> tuple[str, str, str]:
    """Read the OpenID Connect provider: issuer, client id and client secret; three empty texts without one."""
    issuer = env.str("OIDC_ISSUER", default="").strip()
    client_id, secret = env.str("OIDC_CLIENT_ID", default="").strip(), env.str("OIDC_CLIENT_SECRET", default="").strip()
    if not issuer:
        return "", "", ""
    address = urlsplit(issuer)
    if address.scheme != "https" and not (address.scheme == "http" and is_loopback(address.hostname or "")):
        raise ImproperlyConfigured(f"OIDC_ISSUER is {issuer!r}; write the issuer's URL, which begins with https://.")
    if not client_id or not secret:
        raise ImproperlyConfigured("OIDC_ISSUER needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET too.")
    return issuer.rstrip("/"), client_id, secret


def _second_factor() -> str:
    """Read who has to have a second factor."""
    value: str = env.str("SECOND_FACTOR", default="optional").strip().lower()
    if value not in ("optional", "administrators", "everyone"):
        raise ImproperlyConfigured(f"SECOND_FACTOR is {value!r}; write optional, administrators or everyone.")
    return value


def _search_languages() -> list[str]:
    """Read the languages whose word forms the search knows, by the names that Snowball has for them."""
    names = [name.strip().lower() for name in env.str("SEARCH_LANGUAGES", default="english, german").split(",")]
    known = snowballstemmer.algorithms()
    if unknown := [name for name in names if name and name not in known]:
        raise ImproperlyConfigured(f"SEARCH_LANGUAGES has {unknown[0]!r}; known are {', '.join(sorted(known))}.")
    return [name for name in names if name]


def _ca_path() -> str:
    """Return the file or folder of certificates to trust upstream: our setting, or those of other programs."""
    paths = {"UPSTREAM_CA": env.str("UPSTREAM_CA", default="")}
    paths |= {name: os.environ.get(name, "") for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")}
    name, path = next(((name, path) for name, path in paths.items() if path), ("", ""))
    if os.path.isdir(path):
        if not any(re.fullmatch(r"[0-9a-f]{8}\.\d+", entry) for entry in os.listdir(path)):
            cause = f"{name} is {path!r}, a folder without certificates under their hashes, so none would be found."
            raise ImproperlyConfigured(f"{cause} Run openssl rehash {path}, or name a file.")
    elif path:
        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:  # includes ssl.SSLError
            raise ImproperlyConfigured(f"{name} is {path!r}, which holds no certificates: {error.strerror}.") from None
    return path


def _database() -> dict[str, Any]:
    config: dict[str, Any] = env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'lectern.sqlite3'}")
    config |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    if config["ENGINE"].endswith("postgresql"):
        # Each thread keeps a connection: psycopg's pool would wait for a lost server, even after it is back.
        # A lost connection is noticed after some 20 seconds, also during a query; by default TCP waits for minutes.
        keepalive = {"keepalives_idle": 10, "keepalives_interval": 3, "keepalives_count": 3, "tcp_user_timeout": 20_000}
        config["OPTIONS"] = {"connect_timeout": 5, **keepalive, **config.get("OPTIONS", {})}
    if config["ENGINE"].endswith("sqlite3"):
        if not may_create_archive() and not config["NAME"].startswith((":memory:", "file:")):
            config["NAME"] = f"file:{quote(config['NAME'])}?mode=rw"  # else SQLite would create a missing file
        # IMMEDIATE: a transaction takes the write lock at its start, instead of failing half-way. The size limit frees
        # the disk space of the journal after a big import.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,  # seconds while it connects; after that deployment/waiting.py waits
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
            "PRAGMA journal_size_limit=67108864; PRAGMA secure_delete=ON;",  # what is deleted is overwritten
        }
    return config


def _max_processes() -> int:
    """Return how many processes are enough by default: each has connections to PostgreSQL, which takes 100 in all."""
    return 2 if DATABASES["default"]["ENGINE"].endswith("postgresql") else 4


def _cache(name: str, max_entries: int, *, is_counting: bool = False) -> dict[str, Any]:
    """Configure a cache with at most `max_entries`: in this process or, for what counts, in a file of this machine.

    In Redis where there is one, and then the same is used while it is unavailable.
    """
    backend = "viewer.web.caches.OfMachine" if is_counting else "viewer.web.caches.OfProcess"
    here = {
        "BACKEND": backend,
        "LOCATION": str(DATA_DIR / "caches" / name),
        "KEY_PREFIX": name,
        "OPTIONS": {"MAX_ENTRIES": max_entries},
    }
    config: dict[str, Any] = {**env.cache_url("CACHE_URL", default="locmemcache://"), "KEY_PREFIX": name}
    if config["BACKEND"] == "django.core.cache.backends.redis.RedisCache":
        return config | {"BACKEND": "viewer.web.redis_fallback.RedisWithFallback", "INSTEAD": here}
    return here


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
SECOND_FACTOR = _second_factor()
OIDC_ISSUER, _OIDC_CLIENT_ID, _OIDC_CLIENT_SECRET = _single_sign_on()
OIDC_NAME = env.str("OIDC_NAME", default="").strip() or urlsplit(OIDC_ISSUER).hostname or ""
_OIDC_DOMAINS = env.str("OIDC_DOMAINS", default="").lower().split(",")
OIDC_DOMAINS = [name.strip().lstrip("@") for name in _OIDC_DOMAINS if name.strip()]
# Names the issuer, so that the accounts of another one never open those that were connected to this.
OIDC_PROVIDER = f"oidc-{hashlib.sha256(OIDC_ISSUER.encode()).hexdigest()[:12]}"
SEARCH_LANGUAGES = _search_languages()
CUSTOMER_KEY = env.str("CUSTOMER_KEY", default="").strip()
TICKET_KEY = env.str("TICKET_KEY", default="").strip()
CUSTOMER_URL = read_url_pattern("CUSTOMER_URL", env.str("CUSTOMER_URL", default=""))
TICKET_URL = read_url_pattern("TICKET_URL", env.str("TICKET_URL", default=""))
METADATA_URLS = read_url_patterns("METADATA_URLS", env.str("METADATA_URLS", default=""))
if DEBUG and SITE_IS_PUBLIC:
    raise ImproperlyConfigured(f"DEBUG shows settings and source code, so {SITE_URL} cannot be served with it.")
DATA_DIR = open_folder(env.str("DATA_DIR", default="") or str(BASE_DIR / "data"))
SECRET_KEY = _secret("SECRET_KEY", lambda: secrets.token_urlsafe(50))
if len(SECRET_KEY) < 32 and SITE_IS_PUBLIC:
    raise ImproperlyConfigured("SECRET_KEY is too short; give 32 characters or more, or leave it out to have one made.")
KEY_ENCRYPTION_KEYS = _master_keys()
API_HOSTS = _api_hosts()
READ_LOG_DAYS = _int("READ_LOG_DAYS", 0, 0, 36_500)  # after which prune_read_log deletes a row; 0 keeps it for ever
REMOTE_IMAGES = _bool("REMOTE_IMAGES", True)
PUBLIC_SHARING = _bool("PUBLIC_SHARING", False)
DATABASES = {"default": _database()}
SERVER_PROCESSES = _int("SERVER_PROCESSES", min(cores(), _max_processes()), 1, 64)
# What follows is of each process, as it protects that process's threads, unless it says otherwise.
SERVER_THREADS = 40  # each serves one request
STREAMS = 20  # concurrent streamed responses; each occupies a thread until its reader has received it
SENDERS, SENDERS_OF_NETWORK = 5, 2  # concurrent form uploads; each occupies a thread until it is complete
UPLOADS = 5  # files that are being sent to this machine; each part occupies a thread until it is complete
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000  # bytes of a form without its file
IMPORT_MAX_BYTES = _int("IMPORT_MAX_MB", 2_000, 1, 100_000) * 1_000_000  # of what a program sends, unpacked
IMPORTS_AT_ONCE = 4  # that programs send to this machine; each occupies a thread until it is stored
TELEMETRY_MAX_BYTES = _int("TELEMETRY_MAX_MB", 32, 1, 512) * 1_000_000  # of one message of OTLP, packed or unpacked
TELEMETRY_DAYS = _int("TELEMETRY_DAYS", 30, 1, 3_650)  # for which a conversation of spans can go on after its last one
RETENTION_DAYS = _int("RETENTION_DAYS", 0, 0, 36_500)
SYNC_WORKER = _bool("SYNC_WORKER", True)
UPSTREAM_PROXY = env.str("UPSTREAM_PROXY", default="")
UPSTREAM_CA = _ca_path()
UPSTREAM_DEADLINE = _int("UPSTREAM_DEADLINE", 15, 1, 120)  # seconds for one request with all its retries
UPSTREAM_MAX_CONCURRENCY = _int("UPSTREAM_MAX_CONCURRENCY", 8, 1, 12)  # of this machine to one host
UPSTREAM_MAX_BYTES = _int("UPSTREAM_MAX_MB", 32, 1, 512) * 1_000_000  # of one response, decoded
UPSTREAM_CACHE_SECONDS = _int("UPSTREAM_CACHE_SECONDS", 300, 0, 3600)

# Django compares hosts without the port, and IPv6 addresses in brackets.
ALLOWED_HOSTS = [_SITE.netloc.removesuffix(f":{_SITE.port}"), "127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [SITE_URL]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_htmx",
    "csp",
    "viewer.web",
    "viewer.accounts",
    "viewer.archive",
    "viewer.keys",
    "viewer.people",
    "viewer.sources",
    "viewer.sync",
    "viewer.review",
    "viewer.conversations",
    "viewer.read_log",
    "viewer.rendering",
    "viewer.sharing",
    "viewer.uploads",
    "viewer.telemetry",
    "viewer.erasure",
    "viewer.operations",
    "viewer.api",
]

MIDDLEWARE = [
    "viewer.web.logs.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "viewer.web.middleware.PageHeadersMiddleware",
    "viewer.web.middleware.AddressMiddleware",
    "viewer.web.programs.ProgramsMiddleware",  # what programs ask for goes on to PROGRAM_MIDDLEWARE, all else below
    "viewer.web.middleware.PageGZipMiddleware",
    "viewer.web.middleware.FormMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "viewer.accounts.signed_in.SignedInMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "viewer.accounts.signing_in.SignInMiddleware",
    "viewer.accounts.confirming.ConfirmMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "viewer.web.middleware.TimeZoneMiddleware",
    "viewer.web.middleware.KeptMiddleware",
    "viewer.read_log.middleware.ReadLogMiddleware",
    "viewer.web.middleware.StreamsMiddleware",
    "viewer.sources.problem_pages.ProblemMiddleware",
    "viewer.sharing.instead.SharedInsteadMiddleware",  # below it, so that it is asked first
]

# Of what programs ask for: it has no session, no form, no language and no page.
PROGRAM_MIDDLEWARE = [
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "viewer.read_log.middleware.ReadLogMiddleware",
    "viewer.web.middleware.StreamsMiddleware",
]

ROOT_URLCONF = "viewer.urls"
WSGI_APPLICATION = "viewer.wsgi.application"
_TEMPLATE_LOADERS = ["viewer.web.template_loader.Loader", "django.template.loaders.app_directories.Loader"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [("viewer.web.template_loader.Cached", _TEMPLATE_LOADERS)],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "viewer.accounts.roles.rights",
                "viewer.sources.context.sources",
                "viewer.sharing.context.shares",
                "viewer.for_you.context.unread",
            ],
            "builtins": ["django.templatetags.i18n"],
        },
    },
]

CACHES = {
    "default": _cache("lectern", 10_000, is_counting=True),  # allauth's limits, and which answers it has seen
    "guesses": _cache("guesses", 100),  # what the archive's metadata is taken for (archive/identity_keys.py)
    "bubbles": _cache("bubbles", 1_000),  # HTML, each at most 64 kB, so 64 MB in total (rendering/prose_html.py)
    "attempts": _cache("attempts", 100_000, is_counting=True),  # of wrong passwords; nothing else may evict them
    "finds": _cache("finds", 200),  # searched parts of conversations, each at most some 400 kB
    # What the read log has just recorded, in this process alone: nothing else may say that a row is there.
    "readings": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "readings",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
    "answers": _cache("answers", 256),  # upstream responses, each at most 256 kB, so 64 MB in total (client/client.py)
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
# viewer/accounts/attempts.py counts instead
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None, "reauthenticate": None}
MFA_ADAPTER = "viewer.accounts.second_factors.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RATE_LIMITS = {"webauthn_login": "120/m/ip"}  # nothing can be guessed there, and an office may share an address
MFA_ALLOW_UNVERIFIED_EMAIL = True  # administrators enter the addresses
MFA_TOTP_TOLERANCE = 1  # periods of 30 seconds, for clocks that differ
MFA_FORMS = {
    "authenticate": "viewer.accounts.second_factors.CodeForm",
    "reauthenticate": "viewer.accounts.second_factors.ConfirmCodeForm",
    "authenticate_webauthn": "viewer.accounts.second_factors.PasskeyForm",
    "reauthenticate_webauthn": "viewer.accounts.second_factors.ConfirmPasskeyForm",
    "activate_totp": "viewer.accounts.second_factors.SetUpAppForm",
    "add_webauthn": "viewer.accounts.second_factors.AddPasskeyForm",
    "edit_webauthn": "viewer.accounts.second_factors.RenamePasskeyForm",
}
SOCIALACCOUNT_ADAPTER = "viewer.people.single_sign_on.Adapter"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "APPS": [
            {
                "provider_id": OIDC_PROVIDER,
                "name": OIDC_NAME,
                "client_id": _OIDC_CLIENT_ID,
                "secret": _OIDC_CLIENT_SECRET,
                "settings": {"server_url": OIDC_ISSUER, "oauth_pkce_enabled": True},
            }
        ]
        if OIDC_ISSUER
        else []
    }
}
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
    "security.W005",  # HSTS for subdomains and preloading (W021) are the domain owner's decision
    "security.W021",
    "security.W008",  # the proxy that terminates TLS redirects to https
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
        "django.request": {"level": "ERROR", "filters": ["without_path"]},  # refused requests have a line of their own
        "django.security.DisallowedHost": {"level": "CRITICAL"},  # a wrong Host header is not our error
        "lectern": {"level": "INFO"},
    },
}
