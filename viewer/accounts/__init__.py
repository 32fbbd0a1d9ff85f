"""Decides who gets in and what they may do: sign-in and its limits, second factors, sessions, roles."""
