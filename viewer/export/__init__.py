"""Writes a conversation as a transcript, as JSON, or for print."""
