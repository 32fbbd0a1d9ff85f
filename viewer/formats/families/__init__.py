"""What the records of one family of tools look like, and how they become conversations: one module each."""
