// <key-switch><input>: single keys on or off, kept in a cookie of this browser.
customElements.define(
  "key-switch",
  class extends HTMLElement {
    connectedCallback() {
      const box = this.querySelector("input");
      this.firstChild.hidden = true;
      this.lastChild.hidden = false;
      box.checked = !/(^|; )keys=off/.test(document.cookie);
      box.addEventListener("change", () => {
        document.cookie = `keys=${box.checked ? "on" : "off"}; path=/; max-age=31536000; samesite=lax`;
      });
    }
  },
);
