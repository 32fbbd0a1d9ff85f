"""Copies completions from a person's API key into the archive, whole, once, and as often as it takes."""
