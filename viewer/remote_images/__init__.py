"""Loads images from other hosts when the reader asks, so that those hosts never see the reader."""
