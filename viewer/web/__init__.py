"""What every request passes through: middleware, error pages, health, logs, static files; and template filters."""
