"""Finds what should not leave in a share, and replaces it everywhere in the same way."""
