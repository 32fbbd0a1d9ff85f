"""Shares: a frozen snapshot of a conversation or a part of it, behind a link that expires and can be revoked."""
