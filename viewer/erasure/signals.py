"""What an erasure tells other rooms."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with `completion_ids` in the transaction that erases them: a receiver deletes what it keeps of them.
conversations_erased = Signal()
