"""The page that shows whether spans arrive, and what of them is in no conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from viewer.web.request import Request

from .models import PATIENCE, Tally, Trace, TracedConversation
from .wording import KINDS, PROBLEMS

_DAYS = 7
_LATE = PATIENCE * 4  # after which a worker would have joined it


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is in no conversation: why, how much of it, and when the last of it came, where that is known."""

    reason: str
    count: int
    last_at: datetime | None = None


@require_safe
def apps_page(request: Request) -> HttpResponse:
    """Show what came in the last days, and how an app is told to send."""
    since = timezone.now().date() - timedelta(days=_DAYS - 1)
    tallies = Tally.objects.filter(day__gte=since).values("kind").annotate(total=Sum("count"), last=Max("last_at"))
    by_kind: dict[str, Any] = {each["kind"]: each for each in tallies}
    received = Tally.objects.filter(kind="received").order_by("day").last()
    waiting = Trace.objects.filter(since__isnull=False).aggregate(count=Count("pk"), first=Min("since"))
    problems = TracedConversation.objects.exclude(problem="").values("problem").annotate(total=Count("pk"))
    left_out = [
        LeftOut(str(words), by_kind[kind]["total"], by_kind[kind]["last"])
        for kind, words in KINDS.items()
        if kind in by_kind
    ]
    left_out += [LeftOut(str(PROBLEMS[each["problem"]]), each["total"]) for each in problems.order_by("problem")]
    context = {
        "last": received.last_at if received else None,
        "received": by_kind.get("received", {}).get("total", 0),
        "kept": by_kind.get("kept", {}).get("total", 0),
        "growing": TracedConversation.objects.filter(joined_at__isnull=False).count(),
        "waiting": waiting["count"],
        "has_no_worker": bool(waiting["first"] and waiting["first"] < timezone.now() - _LATE),
        "left_out": left_out,
        "days": _DAYS,
        "telemetry_days": settings.TELEMETRY_DAYS,
        "address": f"{settings.SITE_URL}/otlp",
    }
    return render(request, "telemetry/apps.html", context)
