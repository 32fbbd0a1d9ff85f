"""Stores each person's API keys encrypted and their access tokens hashed."""
