// <jump-to><a data-find>: counts what is on the page, and goes from one to the next. Where the archive has counted the
// whole conversation (data-count), the link leads on to what is not on the page, as it does without JavaScript.
customElements.define(
  "jump-to",
  class extends HTMLElement {
    connectedCallback() {
      this.thread = document.querySelector("reading-place");
      this.leadsOn = "counted" in this.dataset && this.thread.querySelector("[data-more]");
      this.thread.addEventListener("htmx:afterSettle", () => this.count());
      this.addEventListener("click", (event) => {
        const link = event.target.closest("[data-find]");
        if (!link || !lectern.isPlainClick(event)) return;
        event.preventDefault();
        this.goOn(link);
      });
    }

    found(link) {
      return [...this.thread.querySelectorAll(link.dataset.find)];
    }

    count() {
      const isPart = this.thread.querySelector("[data-more]");
      this.leadsOn = isPart && "counted" in this.dataset;
      const isFromStart = !this.leadsOn || !this.thread.querySelector(".more--above");
      for (const link of this.querySelectorAll("[data-find]")) {
        const found = this.found(link);
        const at = isFromStart && found.indexOf(this.last) + 1;
        const count = this.leadsOn ? link.dataset.count : found.length;
        link.hidden = count < 1;
        link.querySelector(".jumps__count").textContent = at ? `${at} / ${count}` : count;
      }
      this.hidden = !this.querySelector("a:not([hidden])");
      this.querySelector("[data-loaded]").hidden =
        !(this.querySelector("[data-whole]").hidden = isPart && !this.leadsOn);
    }

    // To the next one below the line being read; from the last one to the first.
    goOn(link) {
      const found = this.found(link);
      const edge = lectern.headLine() + 4;
      let at = found.findIndex((one) => one.getBoundingClientRect().top > edge);
      if (found[at] === this.last) at += 1; // the page's end lets nothing go up any further
      if (!found[at] && this.leadsOn) {
        return location.assign(
          `${link.href}&after=${encodeURIComponent(this.thread.messages().at(-1).dataset.messageId)}`,
        );
      }
      const next = found[at] ?? found[0];
      if (!next) return;
      this.last = next;
      this.count();
      lectern.openFolds(next);
      next.closest("article").focus({ preventScroll: true });
      next.scrollIntoView();
      this.thread.keep(next);
    }
  },
);
