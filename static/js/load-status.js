// <load-status data-earlier data-later>: one polite line that tells a screen reader what has come while it reads on.
customElements.define(
  "load-status",
  class extends HTMLElement {
    connectedCallback() {
      const count = () => document.querySelectorAll("reading-place article, main [data-completion-id]").length;
      let direction, before;
      document.addEventListener("htmx:beforeSwap", ({ detail }) => {
        direction = detail.target.dataset.more;
        before = count();
      });
      document.addEventListener("htmx:afterSwap", () => {
        const come = count() - before;
        if (direction && come > 0) this.textContent = this.dataset[direction].replace("{count}", come);
        direction = "";
      });
    }
  },
);
