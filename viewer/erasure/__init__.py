"""Erases conversations everywhere: on request, by customer, by age."""
