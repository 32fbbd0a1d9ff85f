"""Copies completions from a person's API key into the archive, each one complete and only once."""
