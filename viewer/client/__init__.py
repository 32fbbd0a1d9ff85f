"""Reads any API with `/v1/chat/completions`; returns the types of `completions` or raises one named problem."""
