"""Reads other tools' files into conversations as the API stores them: one module per family, and no database."""
