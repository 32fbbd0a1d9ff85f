"""Takes in what apps instrumented with OpenTelemetry send, and joins their spans into conversations of the archive."""
