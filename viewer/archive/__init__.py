"""Stores completions in our database and serves the same API from them."""
