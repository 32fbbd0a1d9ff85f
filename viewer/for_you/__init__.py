"""What colleagues have for a person: what they share with them by name, and the notes that mention them."""
