"""Reads any API with `/v1/chat/completions`, and the Responses API; returns those types or raises one named problem."""
