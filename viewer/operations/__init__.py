"""Starts Lectern, backs it up, and moves it to another database."""
