"""Reads traces: what one span says of a call of a model, and how the calls of a conversation are joined."""
