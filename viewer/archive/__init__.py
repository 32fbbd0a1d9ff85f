"""Keeps completions in our database and answers the same API from them."""
