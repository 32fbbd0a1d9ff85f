"""Authenticator apps, passkeys and recovery codes: secrets are stored encrypted, wrong ones are counted and limited."""

from __future__ import annotations

import json
from typing import Any

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.stagekit import clear_login
from allauth.account.mixins import NextRedirectMixin
from allauth.core import context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt as decrypt_by_adapter
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from allauth.mfa.webauthn.views import AddWebAuthnView, LoginWebAuthnView
from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, gettext_lazy

from viewer.keys.encryption import CannotDecrypt, Secret, decrypt, encrypt, is_newest
from viewer.web.client_address import client_address
from viewer.web.logs import event

from .attempts import SecondFactorAttempt
from .receivers import HALFWAY
from .signing_in import too_many_codes, with_refusal

_ROW = "second-factor"  # the associated data of the encryption: no value of an API key opens here, or the reverse
_MAX_NAME = 60  # characters of the name of a passkey
_SECRETS = ("secret", "seed")  # in the data of an authenticator


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is untyped
    """Encrypts what allauth would store readable."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy("Wrong code. A code works once; wait for the next one, or use a recovery code."),
    }

    def encrypt(self, text: str) -> str:
        return encrypt(Secret(text), _ROW)

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt a secret. Raises ValidationError, which the form of the code shows."""
        try:
            return decrypt(encrypted_text, _ROW).reveal()
        except CannotDecrypt:
            raise ValidationError(
                gettext("Your second factor cannot be read any more. Ask your administrator to remove it.")
            ) from None

    def get_totp_issuer(self) -> str:
        return f"Lectern {self._get_site_name()}"

    def _get_user_identifier(self, user: User) -> str:
        return user.get_username()

    def generate_authenticator_name(self, user: User, type: Any) -> str:
        count = Authenticator.objects.filter(user=user, type=type).count()
        return gettext("Passkey %(number)s") % {"number": count + 1}


class _Limited:
    """A form whose wrong answers are counted; the last of them have to wait."""

    user: User

    def full_clean(self) -> None:
        if not self.is_bound:  # type: ignore[attr-defined]
            super().full_clean()  # type: ignore[misc]
            return
        attempt = SecondFactorAttempt(context.request, self.user.pk)
        if wait := attempt.wait():
            self._errors = forms.utils.ErrorDict()
            self.cleaned_data: dict[str, Any] = {}
            self.add_error(None, too_many_codes(wait))  # type: ignore[attr-defined]
            return
        attempt.count()
        super().full_clean()  # type: ignore[misc]
        facts = {"person": self.user.pk, "address": client_address(context.request)}
        if not self._errors:
            attempt.succeed()
            return
        event("second factor failed", **facts)
        if attempt.wait():
            event("second factor locked", **facts)


class _CodeOnce:
    """A code of an app counts once, also for another process and within the time that clocks may differ by."""

    authenticator: Authenticator

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        if self.authenticator.type == Authenticator.Type.TOTP and not _use_up(self.authenticator, code):
            raise Adapter().validation_error("incorrect_code")
        return code


class _PasskeyWords:
    """Says of a passkey that it was not accepted, where allauth says that a code was wrong."""

    def add_error(self, field: str | None, error: Any) -> None:
        if getattr(error, "code", "") == "incorrect_code":
            error = ValidationError(gettext("This passkey was not accepted. Try again."))
        super().add_error(field, error)  # type: ignore[misc]


class CodeForm(_Limited, _CodeOnce, AuthenticateForm):  # type: ignore[misc]
    """The code after the password."""


class ConfirmCodeForm(_Limited, _CodeOnce, ReauthenticateForm):  # type: ignore[misc]
    """The code that confirms a change."""


class PasskeyForm(_Limited, _PasskeyWords, AuthenticateWebAuthnForm):  # type: ignore[misc]
    """The passkey after the password."""


class ConfirmPasskeyForm(_Limited, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """The passkey that confirms a change."""


class SetUpAppForm(_Limited, ActivateTOTPForm):  # type: ignore[misc]
    """The first code of a new app."""


class AddPasskeyForm(_PasskeyWords, AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey, which replaces the password unless it is to be a second factor only."""

    name = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=_MAX_NAME)
    passwordless = forms.BooleanField(
        label=gettext_lazy("Sign in with it alone, without the password"), required=False, initial=True
    )

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except (TypeError, ValueError, KeyError):  # allauth 65.21 expects fewer of what fido2 2.2 raises
            raise Adapter().validation_error("incorrect_code") from None
        return cleaned


class RenamePasskeyForm(EditWebAuthnForm):  # type: ignore[misc]
    """Another name for a passkey."""

    name = forms.CharField(
        max_length=_MAX_NAME, error_messages={"required": gettext_lazy("Enter a name for the passkey.")}
    )


@method_decorator(login_stage_required(AuthenticateStage.key, "account_login"), name="dispatch")
class SecondFactor(AuthenticateView):  # type: ignore[misc]
    """Asks for a code or a passkey after the password or single sign-on."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        login = request._login_stage.login  # type: ignore[attr-defined]  # allauth sets it
        if request.session.get(HALFWAY) != login.user.get_session_auth_hash():  # the password has been changed since
            clear_login(request)
            return redirect("account_login")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        return with_refusal(super().form_invalid(form), form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        types = set(Authenticator.objects.filter(user=self.stage.login.user).values_list("type", flat=True))
        context["has_codes"] = bool(types - {Authenticator.Type.WEBAUTHN})
        context["has_passkey"] = Authenticator.Type.WEBAUTHN in types
        return {**context, "options": to_json(context["js_data"]["request_options"])}


class SignInByPasskey(NextRedirectMixin, LoginWebAuthnView):  # type: ignore[misc]
    """Signs in with a passkey alone. One that was removed here is still on the device."""

    def form_invalid(self, form: Any) -> HttpResponse:
        messages.error(
            self.request,
            gettext("This passkey was not accepted. If it was removed from your account, use your password."),
        )
        return redirect(self.passthrough_next_url(reverse("account_login")))


class AddPasskey(AddWebAuthnView):  # type: ignore[misc]
    """Adds a passkey."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {**context, "options": to_json(context["js_data"]["creation_options"])}


def to_json(options: Any) -> str:
    """Write what a browser's passkey dialog needs as JSON, for an attribute."""
    return json.dumps(options, cls=DjangoJSONEncoder)


def reseal(authenticator: Authenticator) -> bool:
    """Encrypt the secret again with the newest master key; return whether it was not. Raises CannotDecrypt."""
    old = {name: authenticator.data[name] for name in _SECRETS if name in authenticator.data}
    if all(is_newest(value) for value in old.values()):
        return False
    new = {name: encrypt(decrypt(value, _ROW), _ROW) for name, value in old.items()}
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
        if any(row.data.get(name) != value for name, value in old.items()):
            return False  # it was set up again meanwhile
        row.data |= new
        row.save(update_fields=["data"])
    return True


def _use_up(authenticator: Authenticator, code: str) -> bool:
    """Record the time step of a code, and return whether it is later than that of the last."""
    secret = decrypt_by_adapter(authenticator.data["secret"])
    given = normalize_user_code(code)
    steps = [step for step in yield_hotp_counters_from_time() if format_hotp_value(hotp_value(secret, step)) == given]
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
        if not steps or max(steps) <= row.data.get("last_step", 0):
            return False
        row.data["last_step"] = authenticator.data["last_step"] = max(steps)
        row.save(update_fields=["data"])
    return True
