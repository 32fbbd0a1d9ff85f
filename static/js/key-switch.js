// <key-switch><input>: single keys on or off, kept in a cookie of this browser.
customElements.define(
  "key-switch",
  class extends HTMLElement {
    connectedCallback() {
      const box = this.querySelector("input");
      this.querySelector("[data-without-script]").hidden = true;
      this.querySelector("[data-script]").hidden = false;
      box.checked = lectern.hasSingleKeys();
      box.addEventListener("change", () => {
        document.cookie = `keys=${box.checked ? "on" : "off"}; path=/; max-age=31536000; samesite=lax`;
      });
    }
  },
);
