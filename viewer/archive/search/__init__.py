"""The search of the archive, from the words of a text to a page of results."""
