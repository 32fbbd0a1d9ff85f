"""Reads the environment: settings, DATA_DIR, SITE_URL, allowed API hosts, and why the database fails."""
