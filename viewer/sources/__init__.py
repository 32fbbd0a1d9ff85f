"""Chooses, for a person and a completion, the client to ask: the archive or one of their keys."""
