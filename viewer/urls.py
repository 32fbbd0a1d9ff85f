"""The URLs, named like the API's. A permalink has the message id in its path, because the redirect to the sign-in
page would lose a #fragment."""

from __future__ import annotations

from collections.abc import Callable

from allauth.account import views as account
from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponseBase
from django.urls import path, re_path
from django.views.decorators.http import require_POST
from django.views.generic import RedirectView, TemplateView
from django.views.i18n import set_language

from viewer.accounts.signing_in import SignIn, SignOut, still_signed_in
from viewer.api import views as api
from viewer.conversations.views import content, conversation_list, customers, lists, navigation, preferences
from viewer.conversations.views.conversation import conversation
from viewer.export import views as export
from viewer.find.views import find_in_conversation
from viewer.keys import views as keys
from viewer.remote_images import views as remote_images
from viewer.review.views import for_you, marks, notes, verdicts
from viewer.search.views import palette, search_results
from viewer.sources.sources import check_key
from viewer.sync import views as sync
from viewer.web.health import health, ready

_no_self_service = login_not_required(TemplateView.as_view(template_name="account/no_self_service.html"))


def _moved(name: str) -> Callable[..., HttpResponseBase]:
    """Send links that people may have kept on to the page's URL of today."""
    return RedirectView.as_view(pattern_name=name, permanent=True, query_string=True)


handler429 = "viewer.web.error_pages.too_many"  # allauth's
handler500 = "viewer.web.error_pages.failed"

# The admin's own views have no sign-in limits, so it uses ours.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.logout = SignOut.as_view()  # type: ignore[method-assign]
admin.site.password_change = account.password_change  # type: ignore[method-assign]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="completions"), name="home"),
    path("completions/", conversation_list.completions, name="completions"),
    path("completions/open/", navigation.open_by_id, name="open"),
    path("completions/<str:completion_id>/", conversation, name="conversation"),
    path("completions/<str:completion_id>/find/", find_in_conversation, name="find"),
    path("completions/<str:completion_id>/beside/", conversation_list.sidebar, name="beside"),
    path("completions/<str:completion_id>/next/", navigation.neighbour, {"direction": "next"}, name="next"),
    path("completions/<str:completion_id>/previous/", navigation.neighbour, {"direction": "previous"}, name="previous"),
    path("completions/<str:completion_id>/next-unseen/", navigation.next_not_seen, name="next-unseen"),
    path("completions/<str:completion_id>/unseen/", lists.forget_seen, name="forget-seen"),
    path("completions/<str:completion_id>/go/", navigation.go_to, name="go-to"),
    path("completions/<str:completion_id>/note/", notes.note_on, name="note-on-conversation"),
    path("completions/<str:completion_id>/messages/<str:message_id>/note/", notes.note_on, name="note-on-message"),
    path("completions/<str:completion_id>/choices/<int:position>/note/", notes.note_on, name="note-on-answer"),
    path("completions/<str:completion_id>/notes/<int:note_id>/", notes.note, name="note"),
    path("completions/<str:completion_id>/notes/<int:note_id>/delete/", notes.delete_note, name="delete-note"),
    path("completions/<str:completion_id>/labels/", marks.marks, name="marks"),
    path("labels/", marks.labels, name="labels"),
    path("labels/<int:label_id>/", marks.label, name="label"),
    path("labels/<int:label_id>/delete/", marks.delete_label, name="delete-label"),
    path("completions/<str:completion_id>/choices/<int:position>/verdict/", verdicts.verdict, name="verdict"),
    path("verdicts/", verdicts.verdicts, name="verdicts"),
    path("verdicts/list/", verdicts.verdict_list, name="verdict-list"),
    path("verdicts/reasons/", verdicts.edit_reasons, name="verdict-reasons"),
    path("for-you/", for_you.for_you, name="for-you"),
    path("for-you/read/", for_you.read_notes, name="read-notes"),
    path("search/", search_results, name="search"),
    path("palette/", palette, name="palette"),
    path("customers/<path:value>/", customers.customer, name="customer"),
    re_path(r"^go/?$", customers.go, name="go"),
    path("filters/", lists.filter_choices, name="filter-choices"),
    path("unseen/", navigation.next_not_seen, name="first-unseen"),
    path("seen/", lists.mark_list_seen, name="mark-list-seen"),
    path("views/", lists.rail, name="rail"),
    path("views/save/", lists.save_view, name="save-view"),
    path("views/<int:view_id>/", lists.saved_view, name="saved-view"),
    path("views/<int:view_id>/delete/", lists.delete_view, name="delete-view"),
    path("view/", preferences.choose_view, name="choose-view"),
    path("language/", require_POST(set_language), name="choose-language"),
    path("completions/<str:completion_id>/messages/<str:message_id>/raw/", content.raw_message, name="raw-message"),
    path("completions/<str:completion_id>/raw/", content.raw, name="raw"),
    path("completions/<str:completion_id>/transcript/", export.transcript, name="transcript"),
    path("completions/<str:completion_id>/print/", export.printed, name="print"),
    path("completions/<str:completion_id>/messages/<str:message_id>/", conversation, name="permalink"),
    path("completions/<str:completion_id>/choices/<int:position>/", conversation, name="answer"),
    path("completions/<str:completion_id>/messages/<str:message_id>/parts/<int:n>/", content.part, name="part"),
    path("completions/<str:completion_id>/choices/<int:position>/raw/", content.raw_choice, name="raw-choice"),
    path(
        "completions/<str:completion_id>/choices/<int:position>/parts/<int:n>/",
        content.choice_part,
        name="choice-part",
    ),
    path(
        "completions/<str:completion_id>/messages/<str:message_id>/parts/<int:n>/remote/",
        remote_images.remote_image,
        name="remote-image",
    ),
    path(
        "completions/<str:completion_id>/choices/<int:position>/parts/<int:n>/remote/",
        remote_images.choice_remote_image,
        name="choice-remote-image",
    ),
    path(
        "completions/<str:completion_id>/messages/<str:message_id>/calls/<int:n>/",
        content.tool_call,
        name="tool-call",
    ),
    path(
        "completions/<str:completion_id>/choices/<int:position>/calls/<int:n>/",
        content.choice_tool_call,
        name="choice-tool-call",
    ),
    path(
        "completions/<str:completion_id>/messages/<str:message_id>/calls/<int:n>/output/",
        content.tool_output,
        name="tool-output",
    ),
    path(
        "completions/<str:completion_id>/choices/<int:position>/calls/<int:n>/output/",
        content.choice_tool_output,
        name="choice-tool-output",
    ),
    path(
        "completions/<str:completion_id>/messages/<str:message_id>/results/<int:n>/",
        content.tool_result,
        name="tool-result",
    ),
    path("keys/", keys.api_keys, {"check_key": check_key}, name="api-keys"),
    path("keys/choose/", keys.choose_source, name="choose-source"),
    path("keys/<uuid:key_id>/", keys.api_key, {"check_key": check_key}, name="api-key"),
    path("keys/<uuid:key_id>/test/", keys.test_api_key, {"check_key": check_key}, name="test-api-key"),
    path("keys/<uuid:key_id>/delete/", keys.delete_api_key, name="delete-api-key"),
    path("imports/", sync.imports, name="imports"),
    path("imports/<int:run_id>/", sync.import_run, name="import-run"),
    path("copies/", _moved("imports"), name="old-imports"),
    path("copies/<int:run_id>/", _moved("import-run"), name="old-import-run"),
    path("shortcuts/", TemplateView.as_view(template_name="shortcuts.html"), name="shortcuts"),
    path("tokens/", keys.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke/", keys.revoke_token, name="revoke-token"),
    path("v1/chat/completions", api.completions),
    path("v1/chat/completions/<str:completion_id>", api.completion),
    path("v1/chat/completions/<str:completion_id>/messages", api.messages),
    re_path(r"^v1(?:/|\Z)", api.nowhere),
    path("login/", SignIn.as_view(), name="account_login"),
    path("logout/", SignOut.as_view(), name="account_logout"),
    path("session/", still_signed_in, name="session"),
    path("password/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("password/forgotten/", _no_self_service, name="account_reset_password"),
    path("signup/", _no_self_service, name="account_signup"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("health/", health, name="health"),
    path("health/ready/", ready, name="ready"),
    path("admin/", admin.site.urls),
]
