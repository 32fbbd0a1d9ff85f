// <jump-to><a data-find>: counts what is on the page, and goes from one to the next. Without JavaScript a link leads to
// the first message that holds one.
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

    found(link) {
      return [...this.thread.querySelectorAll(link.dataset.find)];
    }

    count() {
      for (const link of this.querySelectorAll("[data-find]")) {
        const found = this.found(link);
        const at = found.indexOf(this.last) + 1;
        link.hidden = !found.length;
        link.lastChild.textContent = at ? `${at} / ${found.length}` : found.length;
      }
      const isWhole = !this.thread.querySelector("[data-more]");
      this.querySelector("[data-whole]").hidden = !isWhole;
      this.querySelector("[data-loaded]").hidden = isWhole;
    }

    // To the next one below the line being read; from the last one to the first.
    goOn(link) {
      const found = this.found(link);
      const edge = parseFloat(getComputedStyle(document.documentElement).scrollPaddingBlockStart) + 4;
      let at = found.findIndex((one) => one.getBoundingClientRect().top > edge);
      if (found[at] === this.last) at += 1; // the page's end lets nothing go up any further
      const next = found[at] ?? found[0];
      if (!next) return;
      this.last = next;
      this.count();
      for (let fold = next.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
      next.closest("article").focus({ preventScroll: true });
      next.scrollIntoView();
      this.thread.keep(next);
    }
  },
);
