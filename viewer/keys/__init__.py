"""Keeps each person's access tokens hashed; API keys of their own come to live here too."""
