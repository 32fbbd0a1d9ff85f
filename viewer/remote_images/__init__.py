"""Loads images from other hosts at the reader's request, so that those hosts never see the reader."""
