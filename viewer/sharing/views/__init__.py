"""The views: making a share, the list of shares, and what the reader of a share sees."""
