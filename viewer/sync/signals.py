"""What a run tells other rooms."""

from __future__ import annotations

from django.dispatch import Signal

# A run that was told to erase here what its source no longer has sends `completion_ids` and the `host` of the source. A
# receiver returns how many it erased.
deleted_at_source = Signal()
