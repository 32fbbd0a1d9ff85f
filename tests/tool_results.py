"""Texts of tool results: what proves a failure, what proves nothing, and what proves a success."""

from __future__ import annotations

FAILED = [
    "Error: flight HAT030 not available", "error: none of the seats is free", "Error executing tool refund: refused", "Error", "ERROR - x", "[Error] x",
    "Error code 7", "ValueError: x", "requests.exceptions.HTTPError: 404", "Traceback (most recent call last):\n  File",
    "Exception: x", "Failed to connect", "Failed", "failed: x", "An error occurred while running the tool",
    "HTTP 404 Not Found", "HTTP/1.1 503", "Status code: 500", "404 Client Error: Not Found", "**Error:** x",
    '{"error": "x"}', '{"error": {"code": 7}}', '{"errors": ["x"]}', '{"exception": "x"}', '{"success": false}',
    '{"ok": false}', '{"isError": true, "content": []}', '{"is_error": true}', '{"status": "failed"}',
    '{"status": "ERROR"}', '{"statusCode": 502}', '[{"type": "text", "text": "Error: x"}]',
]  # fmt: skip
UNPROVEN = [
    "Error rate: 3 %", "Errors: 0", "Error: none", "error: null", "Failed logins: 2", "No errors", "The error is fixed", "404 rooms", "HTTP 200",
    "Terror: a film", "Exceptional service", "Failsafe on", '{"error": null}', '{"error": ""}', '{"errors": []}',
    '{"status": "open"}', '{"status": 404000}', '{"message": "Error: x"}', "{}", "[]", "", "12.0", '{"error": 1',
]  # fmt: skip
GOOD = ['{"success": true}', '{"ok": true}', '{"isError": false}', '{"status": "success"}']
