"""The `/v1` door for programs: checks the bearer token and passes the question to the source behind it."""
