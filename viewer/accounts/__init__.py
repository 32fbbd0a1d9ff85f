"""Decides who gets in: sign-in and its limits, sessions, and what a browser keeps of them."""
