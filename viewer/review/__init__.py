"""What colleagues say about a conversation, which is no part of it: notes that may mention people."""
