"""Reads any API with `/v1/chat/completions`, and returns the types of `completions` or raises one named problem."""
