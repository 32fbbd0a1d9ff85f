"""Starts, backs up and moves a Lectern."""
