"""What every request passes: middleware, error pages, health, logs, static files; and words for times and sizes."""
