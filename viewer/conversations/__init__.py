"""Turns completions into pages: list, conversation, permalink."""
