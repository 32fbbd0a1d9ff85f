// <reading-place>: opens at the linked message, and keeps the line being read where it is while messages load above it.
customElements.define(
  "reading-place",
  class extends HTMLElement {
    connectedCallback() {
      if (!location.hash) this.querySelector('[aria-current="true"]')?.scrollIntoView();
      this.addEventListener("htmx:beforeSwap", () => this.remember());
      this.addEventListener("htmx:afterSwap", () => this.restore());
    }

    // Scroll anchoring alone is not enough: browsers suspend it at the top of a page, and Safari has it only of late.
    remember() {
      const top = document.querySelector(".conversation-head")?.getBoundingClientRect().bottom ?? 0;
      this.line = [...this.querySelectorAll("article")].find((message) => message.getBoundingClientRect().bottom > top);
      this.top = this.line?.getBoundingClientRect().top;
    }

    restore() {
      const { line, top } = this;
      const pin = () => {
        if (line?.isConnected) scrollBy({ top: line.getBoundingClientRect().top - top, behavior: "instant" });
      };
      pin();
      // Bubbles above the line get their real height when they are first drawn, one or two frames later.
      requestAnimationFrame(() => {
        pin();
        requestAnimationFrame(pin);
      });
    }
  },
);
