// <list-pane data-current>: the list beside a conversation keeps its place from one conversation to the next: the row
// now read stands where it stood on the page before. Only ids and places are kept, and only for this tab.
customElements.define(
  "list-pane",
  class extends HTMLElement {
    connectedCallback() {
      const pane = this.parentElement;
      pane.addEventListener("htmx:beforeSwap", () => (this.before = pane.scrollHeight - pane.scrollTop));
      pane.addEventListener("htmx:afterSwap", ({ detail }) => {
        const asked = new URL(detail.requestConfig.path, location).searchParams;
        if (asked.has("before")) pane.scrollTop = pane.scrollHeight - this.before;
        else if (!asked.has("after")) this.place();
      });
      addEventListener("pagehide", () => this.remember());
    }

    rows() {
      return [...this.querySelectorAll("[data-completion-id]")];
    }

    remember() {
      const places = this.rows().map((row) => [row.dataset.completionId, row.getBoundingClientRect().top]);
      const seen = places.filter(([, top]) => top > 0 && top < innerHeight);
      if (seen.length) sessionStorage.places = JSON.stringify(Object.fromEntries(seen));
    }

    place() {
      const row = this.rows().find((one) => one.dataset.completionId === this.dataset.current);
      if (!row) return;
      const top = JSON.parse(sessionStorage.places ?? "{}")[this.dataset.current];
      const middle = (innerHeight - row.offsetHeight) / 2;
      this.parentElement.scrollBy({ top: row.getBoundingClientRect().top - (top ?? middle), behavior: "instant" });
    }
  },
);

// <back-link><a href>: goes back to the list in the tab's history, where the browser still has it as it was left.
customElements.define(
  "back-link",
  class extends HTMLElement {
    connectedCallback() {
      this.addEventListener("click", (event) => {
        const link = event.target.closest("a");
        if (!link || !globalThis.navigation || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        const before = navigation.entries().slice(0, navigation.currentEntry.index);
        const list = before.findLast((entry) => new URL(entry.url).pathname === link.pathname);
        if (!list) return;
        event.preventDefault();
        navigation.traverseTo(list.key);
      });
    }
  },
);
