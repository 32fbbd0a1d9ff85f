"""Asks any API that speaks `/v1/chat/completions`, and answers in those types or with one named problem."""
