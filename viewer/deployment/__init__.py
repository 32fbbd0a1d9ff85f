"""Reads what the machine gives: settings, DATA_DIR, SITE_URL, allowed hosts, and why its database fails."""
