"""Reads the environment: NAME, the file that NAME_FILE names, or a line of the file that LECTERN_ENV names."""

from __future__ import annotations

import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

# The new name of each renamed setting; the old ones are read until 0.3.0.
RENAMED = {
    "COPY_WORKER": "SYNC_WORKER",
    "UPSTREAM_LARGEST": "UPSTREAM_MAX_MB",
    "UPSTREAM_QUESTIONS": "UPSTREAM_MAX_CONCURRENCY",
}


def read_environment() -> environ.Env:
    """Return the environment. Raises ImproperlyConfigured, now or when a setting is read."""
    env = environ.Env()
    env.ENVIRON = _Environment()
    if file := env.str("LECTERN_ENV", default=""):
        _read_file(file)
    for old, new in RENAMED.items():
        for suffix in ("", "_FILE"):
            if (value := os.environ.get(old + suffix)) and not (new in os.environ or f"{new}_FILE" in os.environ):
                os.environ[new + suffix] = value
    return env


class _Environment(FileAwareMapping):  # type: ignore[misc]  # environ is untyped
    """The environment, with the value of NAME from the file that NAME_FILE names."""

    def __getitem__(self, name: str) -> str:
        try:
            value: str = super().__getitem__(name)
        except (OSError, UnicodeDecodeError) as error:
            cause = f"{name}_FILE names {self.env[f'{name}_FILE']}, which cannot be read"
            raise ImproperlyConfigured(f"{cause}: {getattr(error, 'strerror', None) or error}.") from None
        if self.env.get(f"{name}_FILE"):
            value = value.removesuffix("\n").removesuffix("\r")
            if not value:
                raise ImproperlyConfigured(f"{name}_FILE names {self.env[f'{name}_FILE']}, which is empty.")
        return value


def _read_file(name: str) -> None:
    """Read lines NAME=value as systemd's EnvironmentFile does. The environment itself takes precedence."""
    try:
        lines = Path(name).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        cause = f"LECTERN_ENV names {name}, which cannot be read"
        raise ImproperlyConfigured(f"{cause}: {getattr(error, 'strerror', None) or error}.") from None
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line[0] in "#;":
            continue
        key, sign, value = line.partition("=")
        if not sign or not key.strip().isidentifier():
            raise ImproperlyConfigured(f"{name}, line {number}: write NAME=value.")
        value = value.strip()
        is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        os.environ.setdefault(key.strip(), value[1:-1] if is_quoted else value)
