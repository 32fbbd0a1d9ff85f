"""Decides who gets in: sign-in and its limits, sessions, and their cookies."""
