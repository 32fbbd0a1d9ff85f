// <theme-switch><button>: light or dark, kept in a cookie, so that the server draws the next page right at once.
customElements.define(
  "theme-switch",
  class extends HTMLElement {
    connectedCallback() {
      this.hidden = false;
      this.addEventListener("click", () => {
        const root = document.documentElement;
        const shown = root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
        root.dataset.theme = shown === "dark" ? "light" : "dark";
        document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
      });
    }
  },
);
