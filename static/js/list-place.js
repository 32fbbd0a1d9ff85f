// <list-place><ol>: rows that come above move none, and the list comes back as it was left. This entry of the history
// remembers the row at the top of the window; where the browser has not kept the page, the rows around it are fetched.
// With data-current it is the list beside a conversation: the row now read stands where it stood on the page before.
// After a step in the history, for which no server is asked, the rows that were opened are shown as seen.
// Only ids and places are kept, and only for this tab.
customElements.define(
  "list-place",
  class extends HTMLElement {
    connectedCallback() {
      this.scroller = this.closest(".side") ?? window;
      this.addEventListener("htmx:beforeSwap", () => (this.seen = this.inView()[0] ?? this.current()));
      this.addEventListener("htmx:afterSwap", () => {
        this.joinDays();
        this.put(this.seen);
        if (isOld) this.markSeen();
      });
      const isOld = performance.getEntriesByType("navigation")[0].type === "back_forward";
      const { current } = this.dataset;
      addEventListener("pageshow", ({ persisted }) => {
        if (current) this.keepOpened(current);
        else if (persisted) {
          this.markSeen();
          htmx.trigger(".rail", "old");
        }
      });
      if (current) {
        addEventListener("pagehide", () => (sessionStorage.rows = JSON.stringify(this.inView())));
        document.querySelector("[data-unsee]").addEventListener("click", () => this.keepOpened());
      } else this.comeBack(history.state?.row, isOld);
    }

    // The conversations that were opened in this tab, the latest last.
    opened() {
      return JSON.parse(sessionStorage.opened ?? "[]");
    }

    keepOpened(...added) {
      sessionStorage.opened = JSON.stringify([...this.opened().filter((id) => id !== this.dataset.current), ...added]);
    }

    markSeen() {
      for (const id of this.opened()) {
        const row = this.row(id)?.closest(".row--new");
        row?.classList.remove("row--new");
        row?.querySelector(".row__title > span").remove();
      }
    }

    row(id) {
      return this.querySelector(`[data-completion-id="${CSS.escape(id)}"] .row__title`);
    }

    rows() {
      return [...this.querySelectorAll("[data-completion-id]")];
    }

    inView() {
      const edge = lectern.headLine();
      const places = this.rows().map((row) => [row.dataset.completionId, row.getBoundingClientRect()]);
      return places.filter(([, { top, bottom }]) => bottom > edge + 1 && top < innerHeight).map((
        [id, { top }],
      ) => [id, top]);
    }

    current() {
      const { current } = this.dataset;
      const [, top] = JSON.parse(sessionStorage.rows ?? "[]").find(([id]) => id === current) ??
        [current, innerHeight / 2 - 40];
      // All of it in view, not below the head.
      return [current, Math.max(lectern.headLine(), Math.min(top, innerHeight - 80))];
    }

    put([id, at]) {
      const row = this.row(id)?.closest("[data-completion-id]");
      if (row) this.scroller.scrollBy({ top: row.getBoundingClientRect().top - at, behavior: "instant" });
      return row;
    }

    // A page of rows begins with its day, which may be the one that the page above ended with.
    joinDays() {
      const days = [...this.querySelectorAll("[data-day]")];
      for (const [n, day] of days.entries()) if (day.dataset.day === days[n - 1]?.dataset.day) day.remove();
    }

    remember() {
      history.replaceState({ ...history.state, row: scrollY && this.inView()[0] }, "");
    }

    async comeBack(row, isOld) {
      if (row) {
        history.scrollRestoration = "manual";
        if (!this.put(row)) await this.load(row);
      }
      if (!isOld) return;
      this.markSeen();
      this.row(this.opened().at(-1))?.focus({ preventScroll: true });
    }

    async load(row) {
      const around = new URL(location);
      around.searchParams.set("around", row[0]);
      around.searchParams.delete("after");
      const answer = await lectern.fragment(around);
      if (!answer.ok) return;
      this.querySelector("ol").innerHTML = await answer.text();
      htmx.process(this);
      this.put(row);
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
        if (!link || !globalThis.navigation || !lectern.isPlainClick(event)) return;
        const before = navigation.entries().slice(0, navigation.currentEntry.index);
        const list = before.findLast(({ url }) => url.replace(/[?&](after|before)=.*/, "") === link.href);
        if (!list) return;
        event.preventDefault();
        navigation.traverseTo(list.key);
      });
    }
  },
);
