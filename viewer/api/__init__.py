"""The `/v1` endpoint for programs: checks the bearer token and passes the request to the token's source."""
