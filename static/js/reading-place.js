// <reading-place>: opens at the linked message with what was said before it in sight, and keeps the line being read
// where it is while messages load above it.
customElements.define(
  "reading-place",
  class extends HTMLElement {
    connectedCallback() {
      if (this.ringed && !location.hash) this.open(this.ringed);
      this.addEventListener("htmx:beforeSwap", () => this.keep(this.lineBeingRead()));
      this.addEventListener("htmx:afterSwap", () => this.pin?.()); // at once: a turn of the wheel may end the keeping
      for (const act of ["wheel", "touchmove", "keydown", "pointerdown", "mousedown"]) {
        addEventListener(act, () => this.moved(), { passive: true, capture: true }); // before what acts on it, and may keep a line
      }
    }

    // At the line where the reader left it, when this page was left or loaded anew; else at the message's beginning.
    open(linked) {
      history.scrollRestoration = "manual";
      // The browser's own autofocus would scroll to it in its own way, and now stays away.
      (linked.matches("article") ? linked : lectern.headOf(linked)).focus({ preventScroll: true });
      for (const { style } of this.messages()) style.contentVisibility = "visible"; // their true heights, before the first paint
      const left = history.state?.reading;
      if (left?.id === this.placeOf(linked)) this.keep(linked, left.top);
      else this.land(linked);
    }

    // A mark far down in a long message is held in the middle. Firefox may not scroll to what came a moment ago.
    land(place, mark = place) {
      const middle = innerHeight / 2;
      mark.scrollIntoView({ block: "center" });
      const top = this.landingOf(place) + mark.getBoundingClientRect().top - place.getBoundingClientRect().top;
      this.keep(mark, mark === place || (top > middle && top < innerHeight * .75) ? top : middle);
    }

    // How far down a message lands: so far that all of the question is in sight above it, or all of what comes right
    // before, if it still begins in the upper half of the window; else the end of that is in sight.
    landingOf(place) {
      const head = lectern.headLine();
      const begin = place.getBoundingClientRect().top;
      const tops = this.contextOf(place).map((one) => head + begin - one.getBoundingClientRect().top);
      return tops.find((top) => top < innerHeight / 2) ?? Math.max(head + 48, innerHeight * .3);
    }

    // From the farthest to the nearest.
    contextOf(place) {
      const message = place.closest("article");
      const shown = this.shown();
      const before = shown.slice(0, shown.indexOf(message));
      const question = message.matches(".message--user")
        ? null
        : before.findLast((one) => one.matches(".message--user"));
      const near = place === message ? [before.at(-1)] : [message, place.closest(".call")];
      return [question, ...near].filter(Boolean);
    }

    moved() {
      this.pin = null;
      this.hasMoved = true;
    }

    messages() {
      return [...this.querySelectorAll("article")];
    }

    // Those that take room.
    shown() {
      return this.messages().filter((message) => !message.matches(".message--in-card"));
    }

    // Where the linked message is shown.
    get ringed() {
      const linked = this.querySelector('article[aria-current="true"]');
      return linked && lectern.placesOf(linked)[0];
    }

    // What peeks out from below the head by less than three lines is not counted as read; nor what is above the linked
    // message as long as that is where it landed.
    lineBeingRead() {
      const head = document.querySelector(".conversation-head")?.getBoundingClientRect().bottom ?? 0;
      const begin = this.ringed?.getBoundingClientRect().top;
      if (begin >= head && begin < innerHeight / 2) return this.ringed;
      const shown = this.shown();
      return shown.find((message) => message.getBoundingClientRect().bottom > head + 48) ?? shown.at(-1);
    }

    // The name of a message in addresses and ranges, which is its id; `choices/0` for an answer.
    placeOf({ dataset: { choice, messageId, shows } }) {
      return choice ? `choices/${choice}` : (messageId ?? shows);
    }

    // The permalink of a message in the order of this page; empty for one that has none.
    addressOf(message) {
      const link = lectern.linkOf(lectern.placesOf(message)[0] ?? message);
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
