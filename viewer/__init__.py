"""Lectern: a self-hosted reading desk for stored chat completions. One room a package, one sentence a room."""
