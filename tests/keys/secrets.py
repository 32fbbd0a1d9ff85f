"""Secrets that are easy to look for, and master keys to encrypt them with."""

from __future__ import annotations

import base64
import os
from typing import Any

from django.contrib.auth.models import User

from tests.conftest import make_key as make_any_key
from viewer.keys.models import ApiKey

CANARY = "sk-canary-2718281828459045"


def new_master_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def make_key(owner: User, label: str = "work", secret: str = CANARY, **fields: Any) -> ApiKey:
    return make_any_key(owner, label, secret, **fields)
