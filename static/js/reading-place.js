// <reading-place>: opens at the linked message, and keeps the line being read where it is while messages load above it.
customElements.define(
  "reading-place",
  class extends HTMLElement {
    connectedCallback() {
      const linked = this.querySelector('[aria-current="true"]');
      if (linked && !location.hash) this.open(linked);
      this.addEventListener("htmx:beforeSwap", () => this.keep(this.lineBeingRead()));
      this.addEventListener("htmx:afterSwap", () => this.pin?.()); // at once: a turn of the wheel may end the keeping
      for (const act of ["wheel", "touchmove", "keydown", "pointerdown", "mousedown"]) {
        addEventListener(act, () => this.moved(), { passive: true, capture: true }); // before what acts on it, and may keep a line
      }
    }

    // At the line where the reader left it, when this page was left or loaded anew; else at the message's beginning.
    open(linked) {
      history.scrollRestoration = "manual";
      linked.focus({ preventScroll: true }); // the browser's own autofocus would centre it, and now stays away
      for (const { style } of this.messages()) style.contentVisibility = "visible"; // their true heights, before the first paint
      const left = history.state?.reading;
      if (left?.id === this.placeOf(linked)) return this.keep(linked, left.top);
      linked.scrollIntoView();
      this.keep(linked);
    }

    moved() {
      this.pin = null;
      this.hasMoved = true;
    }

    messages() {
      return [...this.querySelectorAll("article")];
    }

    // What peeks out from below the head by less than three lines is not counted as read.
    lineBeingRead() {
      const edge = (document.querySelector(".conversation-head")?.getBoundingClientRect().bottom ?? 0) + 48;
      const messages = this.messages();
      return messages.find((message) => message.getBoundingClientRect().bottom > edge) ?? messages.at(-1);
    }

    // The name of a message in addresses and ranges, which is its id; `choices/0` for an answer.
    placeOf({ dataset: { choice, messageId } }) {
      return choice ? `choices/${choice}` : messageId;
    }

    // The permalink of a message in the order of this page; empty for one that has none.
    addressOf(message) {
      const link = message.querySelector(".message__link a");
      return link ? link.pathname + new URL(this.dataset.start, location).search : "";
    }

    // Scroll anchoring alone is not enough: browsers suspend it at the top of a page, and Safari has it only of late.
    // Bubbles get their real height when they are first drawn, so the line is held until it has been still for a while,
    // or until the reader moves. A key scrolls on for some frames after it was pressed, and no hold undoes that: when
    // the page has been scrolled and the line is elsewhere all the same, the reader did it.
    keep(line, top = line?.getBoundingClientRect().top) {
      if (!line) return;
      let still = 0;
      let frames = 0;
      let scrolled;
      const pin = () => {
        const now = line.getBoundingClientRect().top;
        const moved = line.isConnected && now - top;
        const isReader = this.hasMoved && Math.abs(moved) >= 1 && Math.abs(scrollY - scrolled) >= 1;
        if (isReader) top = now;
        else if (moved) scrollBy({ top: moved, behavior: "instant" });
        scrolled = scrollY;
        return moved;
      };
      const hold = () => {
        if (this.pin !== pin) return;
        still = pin() ? 0 : still + 1;
        if (still < 20 && ++frames < 240) requestAnimationFrame(hold);
        else this.pin = null;
      };
      this.pin = pin;
      hold();
    }
  },
);
