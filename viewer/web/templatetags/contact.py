"""How to reach the administrator, from the setting CONTACT."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email

register = template.Library()


@register.inclusion_tag("web/_administrator.html")
def administrator() -> dict[str, str]:
    """Show the contact, as a link where it is an e-mail address or an https URL."""
    return {"contact": settings.CONTACT, "url": _contact_url(settings.CONTACT)}


def _contact_url(contact: str) -> str:
    for prefix, validate in (("mailto:", validate_email), ("", URLValidator(schemes=["https"]))):
        try:
            validate(contact)
        except ValidationError:
            continue
        return f"{prefix}{contact}"
    return ""
