// <pass-key data-options | data-options-url>: its form's button asks the browser for a passkey, and sends what it gives.
// Options with a user make a new passkey, all others use one. Base64url is written out, for browsers that cannot do it.
customElements.define(
  "pass-key",
  class extends HTMLElement {
    connectedCallback() {
      const form = this.querySelector("form");
      const button = form.querySelector("button");
      const isAddress = /^[\d.]+$|:/.test(location.hostname); // passkeys belong to names
      if (!globalThis.PublicKeyCredential || isAddress) {
        if (!this.dataset.optionsUrl) this.say(this.dataset.unsupported);
        return;
      }
      button.hidden = false;
      button.addEventListener("click", async (event) => {
        event.preventDefault();
        try {
          form.elements.credential.value = JSON.stringify(toJson(await this.ask(form)));
        } catch ({ name }) {
          const { known, failed } = this.dataset;
          this.say((name === "InvalidStateError" && known) || failed);
          return;
        }
        form.submit();
      });
    }

    async ask(form) {
      const options = await this.options();
      options.challenge = toBytes(options.challenge);
      if (!options.user) {
        for (const one of options.allowCredentials ?? []) one.id = toBytes(one.id);
        return navigator.credentials.get({ publicKey: options });
      }
      options.user.id = toBytes(options.user.id);
      for (const one of options.excludeCredentials ?? []) one.id = toBytes(one.id);
      const isAlone = form.elements.passwordless.checked;
      options.authenticatorSelection = {
        ...options.authenticatorSelection,
        residentKey: isAlone ? "required" : "discouraged",
        requireResidentKey: isAlone,
        userVerification: isAlone ? "required" : options.authenticatorSelection?.userVerification,
      };
      return navigator.credentials.create({ publicKey: options });
    }

    async options() {
      if (!this.dataset.optionsUrl) return JSON.parse(this.dataset.options).publicKey;
      const answer = await fetch(this.dataset.optionsUrl, { headers: { Accept: "application/json" } });
      return (await answer.json()).request_options.publicKey;
    }

    say(text) {
      const line = this.querySelector("[role=alert][hidden], [role=alert][data-said]");
      line.dataset.said = "";
      line.hidden = false;
      line.textContent = text;
    }
  },
);

function toBytes(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function toText(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function toJson(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}
