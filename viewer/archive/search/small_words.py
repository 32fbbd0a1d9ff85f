"""Words that a question has beside what it asks for. They are searched only if there is nothing else, or in quotes."""

from __future__ import annotations

# English and German, as they are folded. Without "not", "no" and the like, which change what was said.
SMALL_WORDS = frozenset((
    "a", "about", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did",
    "do", "does", "for", "from", "had", "has", "have", "he", "her", "him", "his", "how", "i", "if", "in", "into",
    "is", "it", "its", "may", "me", "my", "of", "on", "or", "our", "she", "should", "so", "that", "the", "their",
    "them", "then", "there", "these", "they", "this", "those", "to", "us", "was", "we", "were", "what", "when",
    "where", "which", "who", "why", "will", "with", "would", "you", "your",
    "aber", "als", "auch", "auf", "aus", "bei", "bin", "bis", "da", "dann", "das", "dass", "dem", "den", "denn",
    "der", "des", "die", "dies", "diese", "dieser", "du", "durch", "ein", "eine", "einem", "einen", "einer", "er",
    "es", "fur", "haben", "habe", "hat", "hatte", "ich", "ihm", "ihn", "ihr", "ihre", "im", "ins", "ist", "ja",
    "kann", "konnen", "mein", "meine", "meinem", "meinen", "meiner", "mich", "mir", "mit", "nach", "nur", "ob",
    "oder", "sein", "seine", "sich", "sie", "sind", "und", "uns", "unser", "unsere", "vom", "von", "vor", "war",
    "waren", "warum", "wann", "welche", "wenn", "wer", "werden", "wie", "wieso", "wir", "wird", "wo", "wurde", "zu",
    "zum", "zur",
))  # fmt: skip
# Beside an amount, for "750 EUR" may stand there as "€750".
CURRENCIES = frozenset(("eur", "euro", "euros", "gbp", "pound", "pounds", "usd", "dollar", "dollars", "chf", "franken"))
