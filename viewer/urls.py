"""The URLs, named like the API's. A permalink has the message id in its path, because the redirect to the sign-in
page would lose a #fragment."""

from __future__ import annotations

from collections.abc import Callable

from allauth.account import views as account
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponseBase
from django.urls import path, re_path, reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django.views.generic import RedirectView, TemplateView
from django.views.i18n import set_language

from viewer.accounts.confirming import (
    ConfirmByCode,
    ConfirmByPasskey,
    ConfirmByPassword,
    confirmed,
    confirmed_before_showing,
)
from viewer.accounts.own_account import end_sessions, own_account
from viewer.accounts.roles import administrators_only, curators_only, may_curate
from viewer.accounts.second_factors import AddPasskey, SecondFactor, SignInByPasskey
from viewer.accounts.signing_in import SignIn, SignOut, still_signed_in
from viewer.api import views as api
from viewer.conversations.views import content, conversation_list, customers, lists, navigation, preferences
from viewer.conversations.views.conversation import conversation
from viewer.erasure.views import erase_completion
from viewer.export import views as export
from viewer.find.views import find_in_conversation
from viewer.for_you import views as for_you
from viewer.keys import views as keys
from viewer.people import single_sign_on
from viewer.people import views as people
from viewer.read_log import views as read_log
from viewer.remote_images import views as remote_images
from viewer.review.views import marks, notes, verdicts
from viewer.search.views import palette, search_results
from viewer.sharing.views import making, shared, shares
from viewer.sources.sources import check_key
from viewer.sync import saving_views as saving
from viewer.sync import views as sync
from viewer.telemetry import views as telemetry
from viewer.telemetry.page import apps_page
from viewer.uploads import views as uploads
from viewer.web.health import health, ready

_no_self_service = login_not_required(TemplateView.as_view(template_name="account/no_self_service.html"))


def _moved(name: str) -> Callable[..., HttpResponseBase]:
    """Send links that people may have kept on to the page's URL of today."""
    return RedirectView.as_view(pattern_name=name, permanent=True, query_string=True)


handler429 = "viewer.web.error_pages.too_many"  # allauth's
handler500 = "viewer.web.error_pages.failed"

_OIDC = {"provider_id": settings.OIDC_PROVIDER}

# What programs ask for. None of it is a page: it passes PROGRAM_MIDDLEWARE alone (viewer/web/programs.py).
programs = [
    path("v1/chat/completions", api.completions),
    path("v1/chat/completions/<str:completion_id>", api.completion),
    path("v1/chat/completions/<str:completion_id>/messages", api.messages),
    path("v1/imports", api.imports),
    re_path(r"^v1(?:/|\Z)", api.nowhere),
    path("otlp/v1/traces", telemetry.traces),
    path("otlp/v1/logs", telemetry.logs),
    path("otlp/v1/metrics", telemetry.metrics),
    re_path(r"^otlp(?:/|\Z)", telemetry.nowhere),
    re_path(r"^opentelemetry\.proto\.collector\.", telemetry.grpc),
]

urlpatterns = [
    *programs,
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
    path("completions/<str:completion_id>/save/", saving.save, name="save"),
    path("completions/<str:completion_id>/hand-over/", saving.hand_over, name="hand-over"),
    path("completions/<str:completion_id>/erase/", erase_completion, name="erase"),
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
    path("completions/<str:completion_id>/share/", making.make_share, name="make-share"),
    path("completions/<str:completion_id>/messages/<str:message_id>/share/", making.make_share, name="share-message"),
    path("shares/", shares.my_shares, name="my-shares"),
    path("shares/with-me/", shares.shared_with_me, name="shared-with-me"),
    path("shares/all/", shares.all_shares, name="all-shares"),
    path("shares/<int:share_id>/", shares.share, name="share"),
    path("shares/<int:share_id>/change/", making.change_share, name="change-share"),
    path("shares/<int:share_id>/revoke/", shares.revoke_share, name="revoke-share"),
    path("s/<str:token>/", shared.page, name="shared"),
    path("s/<str:token>/raw/", shared.raw, name="shared-raw"),
    path("s/<str:token>/transcript/", shared.transcript, name="shared-transcript"),
    path("s/<str:token>/messages/<str:message_id>/", shared.page, name="shared-message"),
    path("s/<str:token>/messages/<str:message_id>/raw/", shared.raw_message, name="shared-raw-message"),
    path("s/<str:token>/messages/<str:message_id>/parts/<int:n>/", shared.part, name="shared-part"),
    path("s/<str:token>/messages/<str:message_id>/calls/<int:n>/", shared.tool_call, name="shared-call"),
    path("s/<str:token>/messages/<str:message_id>/calls/<int:n>/output/", shared.tool_output, name="shared-output"),
    path("s/<str:token>/messages/<str:message_id>/results/<int:n>/", shared.tool_result, name="shared-result"),
    path("s/<str:token>/choices/<int:position>/", shared.page, name="shared-answer"),
    path("s/<str:token>/choices/<int:position>/raw/", shared.raw_choice, name="shared-raw-choice"),
    path("s/<str:token>/choices/<int:position>/parts/<int:n>/", shared.choice_part, name="shared-choice-part"),
    path("s/<str:token>/choices/<int:position>/calls/<int:n>/", shared.choice_tool_call, name="shared-choice-call"),
    path(
        "s/<str:token>/choices/<int:position>/calls/<int:n>/output/",
        shared.choice_tool_output,
        name="shared-choice-output",
    ),
    path("read-log/", read_log.everyone, name="read-log"),
    path("read-log/csv/", read_log.download, name="read-log-csv"),
    path("read-log/mine/", read_log.mine, name="my-read-log"),
    path("keys/", confirmed(keys.api_keys), {"check_key": check_key}, name="api-keys"),
    path("keys/choose/", keys.choose_source, name="choose-source"),
    path("keys/<uuid:key_id>/", confirmed(keys.api_key), {"check_key": check_key}, name="api-key"),
    path("keys/<uuid:key_id>/test/", keys.test_api_key, {"check_key": check_key}, name="test-api-key"),
    path("keys/<uuid:key_id>/delete/", confirmed(keys.delete_api_key), name="delete-api-key"),
    path("import/", curators_only(uploads.import_page), name="import"),
    path("import/apps/", curators_only(apps_page), name="import-apps"),
    path("import/<int:upload_id>/", curators_only(uploads.upload), name="upload"),
    path("import/<int:upload_id>/progress/", curators_only(uploads.upload_progress), name="upload-progress"),
    path("import/<int:upload_id>/first/", curators_only(uploads.upload_first), name="upload-first"),
    path("import/<int:upload_id>/first/<path:place>", curators_only(uploads.upload_first), name="upload-first-part"),
    path("uploads/", uploads.upload_file, name="upload-file"),
    path("uploads/<int:upload_id>/", uploads.upload_part, name="upload-part"),
    path("imports/", curators_only(sync.imports), name="imports"),
    path("imports/<int:run_id>/", curators_only(sync.import_run), name="import-run"),
    path("copies/", _moved("imports"), name="old-imports"),
    path("copies/<int:run_id>/", _moved("import-run"), name="old-import-run"),
    path("shortcuts/", TemplateView.as_view(template_name="shortcuts.html"), name="shortcuts"),
    path("tokens/", confirmed(keys.tokens), {"may_curate": may_curate}, name="tokens"),
    path("tokens/<int:token_id>/revoke/", keys.revoke_token, name="revoke-token"),
    path("people/", administrators_only(people.people), name="people"),
    path("people/invite/", administrators_only(confirmed(people.invite)), name="invite"),
    path("people/links/<int:link_id>/withdraw/", administrators_only(people.withdraw), name="withdraw-invitation"),
    path("people/<int:person_id>/", administrators_only(confirmed(people.person)), name="person"),
    path("people/<int:person_id>/state/", administrators_only(confirmed(people.change_state)), name="person-state"),
    path("people/<int:person_id>/reset/", administrators_only(confirmed(people.reset)), name="person-reset"),
    path("enter/<str:secret>/", people.enter, name="enter"),
    path("login/", SignIn.as_view(), name="account_login"),
    path("login/code/", SecondFactor.as_view(), name="mfa_authenticate"),
    path("login/passkey/", login_not_required(SignInByPasskey.as_view()), name="mfa_login_webauthn"),
    path("login/elsewhere/", single_sign_on.leave, _OIDC, name="openid_connect_login"),
    path("login/elsewhere/back/", single_sign_on.come_back, _OIDC, name="openid_connect_callback"),
    path("login/elsewhere/cancelled/", single_sign_on.cancelled, name="socialaccount_login_cancelled"),
    path("logout/", SignOut.as_view(), name="account_logout"),
    path("session/", still_signed_in, name="session"),
    # Named as allauth looks them up.
    path("account/", own_account, name="mfa_index"),
    path("account/sessions/end/", end_sessions, name="end-sessions"),
    path("account/app/", never_cache(confirmed_before_showing(totp.activate_totp)), name="mfa_activate_totp"),
    path("account/app/remove/", confirmed_before_showing(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path(
        "account/codes/",
        never_cache(confirmed_before_showing(recovery_codes.view_recovery_codes)),
        name="mfa_view_recovery_codes",
    ),
    path(
        "account/codes/new/",
        confirmed_before_showing(recovery_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "account/codes/download/",
        confirmed_before_showing(recovery_codes.download_recovery_codes),
        name="mfa_download_recovery_codes",
    ),
    path("account/passkeys/add/", confirmed_before_showing(AddPasskey.as_view()), name="mfa_add_webauthn"),
    path(
        "account/passkeys/<int:pk>/",
        confirmed_before_showing(webauthn.EditWebAuthnView.as_view(success_url=reverse_lazy("mfa_index"))),
        name="mfa_edit_webauthn",
    ),
    path(
        "account/passkeys/<int:pk>/remove/",
        confirmed_before_showing(webauthn.RemoveWebAuthnView.as_view(success_url=reverse_lazy("mfa_index"))),
        name="mfa_remove_webauthn",
    ),
    path("account/disconnect/", confirmed(single_sign_on.disconnect), name="disconnect"),
    path("confirm/password/", ConfirmByPassword.as_view(), name="account_reauthenticate"),
    path("confirm/code/", ConfirmByCode.as_view(), name="mfa_reauthenticate"),
    path("confirm/passkey/", ConfirmByPasskey.as_view(), name="mfa_reauthenticate_webauthn"),
    path("confirm/elsewhere/", single_sign_on.confirm, name="confirm-by-single-sign-on"),
    path("password/", account.password_change, name="account_change_password"),
    path("password/set/", confirmed(account.password_set), name="account_set_password"),
    path("password/forgotten/", _no_self_service, name="account_reset_password"),
    path("signup/", _no_self_service, name="account_signup"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("health/", health, name="health"),
    path("health/ready/", ready, name="ready"),
]
