"""The page that searches the archive."""
