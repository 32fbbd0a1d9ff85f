// <jump-to><a data-find>: counts what is on the page, and goes from one to the next. Where the archive has counted the
// whole conversation (data-count), the link leads on to what is not on the page, as it does without JavaScript.
customElements.define(
  "jump-to",
  class extends HTMLElement {
    connectedCallback() {
      this.thread = document.querySelector("reading-place");
      this.thread.addEventListener("htmx:afterSettle", () => this.count());
      this.addEventListener("click", (event) => {
        const link = event.target.closest("[data-find]");
        if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        this.goOn(link);
      });
    }

    get isLoaded() {
      return !this.thread.querySelector("[data-more]");
    }

    found(link) {
      return [...this.thread.querySelectorAll(link.dataset.find)];
    }

    count() {
      const isCounted = "counted" in this.dataset && !this.isLoaded;
      for (const link of this.querySelectorAll("[data-find]")) {
        const found = this.found(link);
        const all = isCounted ? Number(link.dataset.count) : found.length;
        const at = isCounted ? 0 : found.indexOf(this.last) + 1;
        link.hidden = !all;
        link.lastChild.textContent = at ? `${at} / ${all}` : all;
      }
      this.hidden = !this.querySelector("[data-find]:not([hidden])");
      this.querySelector("[data-whole]").hidden = !isCounted && !this.isLoaded;
      this.querySelector("[data-loaded]").hidden = isCounted || this.isLoaded;
    }

    // To the next one below the line being read; from the last one to the first.
    goOn(link) {
      const found = this.found(link);
      const edge = parseFloat(getComputedStyle(document.documentElement).scrollPaddingBlockStart) + 4;
      let at = found.findIndex((one) => one.getBoundingClientRect().top > edge);
      if (found[at] === this.last) at += 1; // the page's end lets nothing go up any further
      if (!found[at] && "counted" in this.dataset && !this.isLoaded) return this.leave(link);
      const next = found[at] ?? found[0];
      if (!next) return;
      this.last = next;
      this.count();
      for (let fold = next.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
      next.closest("article").focus({ preventScroll: true });
      next.scrollIntoView();
      this.thread.keep(next);
    }

    leave(link) {
      const last = this.thread.messages().findLast((message) => message.dataset.messageId);
      location.assign(`${link.href}&after=${encodeURIComponent(last?.dataset.messageId ?? "")}`);
    }
  },
);
