// <reading-place>: opens at the linked message, and keeps the line being read where it is while messages load above it.
customElements.define(
  "reading-place",
  class extends HTMLElement {
    connectedCallback() {
      const linked = this.querySelector('[aria-current="true"]');
      if (linked && !location.hash) {
        linked.focus({ preventScroll: true }); // the browser's own autofocus would centre it, and now stays away
        linked.scrollIntoView();
        this.keep(linked);
      }
      this.addEventListener("htmx:beforeSwap", () => this.keep(this.lineBeingRead()));
      for (const act of ["wheel", "touchmove", "keydown", "pointerdown", "mousedown"]) {
        addEventListener(act, () => (this.turn = null), { passive: true });
      }
    }

    lineBeingRead() {
      const edge = document.querySelector(".conversation-head")?.getBoundingClientRect().bottom ?? 0;
      return [...this.querySelectorAll("article")].find((message) => message.getBoundingClientRect().bottom > edge);
    }

    // Scroll anchoring alone is not enough: browsers suspend it at the top of a page, and Safari has it only of late.
    // Bubbles get their real height when they are first drawn, so the line is held until it has been still for a while,
    // or until the reader moves.
    keep(line) {
      if (!line) return;
      const top = line.getBoundingClientRect().top;
      const turn = (this.turn = {});
      let still = 0;
      let frames = 0;
      const pin = () => {
        if (this.turn !== turn || !line.isConnected) return;
        const moved = line.getBoundingClientRect().top - top;
        if (moved) scrollBy({ top: moved, behavior: "instant" });
        still = moved ? 0 : still + 1;
        if (still < 20 && ++frames < 240) requestAnimationFrame(pin);
      };
      pin();
    }
  },
);
