"""How a program shows its token, and what it is told when it is refused."""

from __future__ import annotations

import json
from typing import Any


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def assert_refused(response: Any, status: int, **expected: Any) -> dict[str, Any]:
    """An error has the envelope, its type, an id to quote, and no redirect to a page for people."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"].startswith("req_")
    assert "Location" not in response.headers
    body = json.loads(response.content)
    assert list(body) == ["error"]
    assert list(body["error"]) == ["message", "type", "param", "code"]
    assert {name: body["error"][name] for name in expected} == expected
    return dict(body["error"])
