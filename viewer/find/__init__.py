"""Finds words in one conversation."""
