"""The list of conversations, and the page of one conversation."""
