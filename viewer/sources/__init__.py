"""Chooses the client that reads a completion for a person: that of the archive, or of one of their keys."""
