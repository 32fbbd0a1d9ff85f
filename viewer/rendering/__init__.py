"""Turns messages into view objects and HTML; knows no request and no database."""
