"""What a reader gets when our own code fails: for htmx a problem in the feed, for anyone else the page 500.html."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.defaults import server_error


def failed(request: HttpRequest) -> HttpResponse:
    """Answer 500. Nothing here may need the database, which may be what failed."""
    if request.headers.get("HX-Request") != "true":
        return server_error(request)
    problem = {
        "name": "unavailable",
        "title": "Something failed here",
        "advice": "What is on the page stays. Try again; if it stays, tell whoever runs this Lectern, with the time.",
    }
    context = {"problem": problem, "retry_url": request.get_full_path()}
    return render(request, "conversations/_problem.html", context, status=500)
