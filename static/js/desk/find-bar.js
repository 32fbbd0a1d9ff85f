// <find-bar>: steps through the hits that the server lists, marks the words in the messages, and keeps the place in the
// address. A message that is not on the page is fetched with its neighbours; the focus stays in the field.
customElements.define(
  "find-bar",
  class extends HTMLElement {
    connectedCallback() {
      this.panel = this.querySelector("search");
      this.field = this.querySelector("input");
      this.thread = document.querySelector("reading-place");
      this.at = -1;
      for (const button of this.querySelectorAll("button")) button.hidden = false;
      this.addEventListener("click", (event) => this.click(event));
      this.addEventListener("keydown", (event) => this.press(event));
      this.addEventListener("submit", () => {
        this.look(this.field.value.trim());
        this.querySelector(".find__list").replaceChildren(); // else those of other words stay when nothing comes
        this.isNew = true;
      });
      this.addEventListener("htmx:load", () => this.list());
      this.thread.addEventListener("htmx:load", ({ detail: { elt } }) => this.words && this.markLate(elt));
      if (!this.panel.hidden) customElements.whenDefined("reading-place").then(() => this.arrive());
    }

    get hits() {
      return [...this.querySelectorAll(".hit")];
    }

    click(event) {
      const chosen = event.target.closest("a, button");
      if (!chosen || !lectern.isPlainClick(event)) return;
      event.preventDefault();
      if (chosen.matches("[data-open]")) this.open();
      else if (chosen.matches("[data-close]")) this.close();
      else if (chosen.matches("[data-step]")) this.step(Number(chosen.dataset.step));
      else if (chosen.matches("[data-list]")) this.toggleList(chosen);
      else if (chosen.matches(".hit")) this.go(this.hits.indexOf(chosen));
    }

    press(event) {
      if (event.key === "Escape") this.close();
      else if (
        event.key === "Enter" && event.target === this.field && !event.isComposing && this.hits.length &&
        this.field.value.trim() === this.words
      ) {
        event.preventDefault();
        this.step(event.shiftKey ? -1 : 1);
      }
    }

    open() {
      this.panel.hidden = false;
      this.field.focus({ preventScroll: true });
      this.field.select();
    }

    close() {
      this.panel.hidden = true;
      this.querySelector(".find__list").replaceChildren();
      this.look("");
      history.replaceState(history.state, "", location.pathname);
      this.querySelector("[data-open]").focus({ preventScroll: true });
    }

    toggleList(button) {
      button.ariaExpanded = button.ariaExpanded !== "true";
      this.choose(this.at);
    }

    look(words, also) {
      this.words = words;
      this.also = also; // a pattern of what else a search of the archive has found
      this.at = -1;
      this.shown = null;
      this.say("");
      markWords(this.thread, words, also);
    }

    // The page was opened at a hit, or with nothing but the words; its list may still be on the way.
    arrive() {
      this.look(this.field.value.trim(), this.dataset.also);
      const nth = new URLSearchParams(location.search).get("hit") ?? 1;
      if (this.messageOf({ dataset: {} })) this.show({ dataset: { nth } });
      else this.isNew = true;
      if (this.hits.length) this.list();
    }

    // A part of the list has come. New words are looked for from the line being read on, and then from the start; ids
    // that do not count say only whether their message is on the page.
    list() {
      const { hits, isNew } = this;
      this.tell();
      if (this.at >= 0 || !hits.length) return;
      const address = location.href.replace(/&search=[^&#]*/, "");
      if (!isNew) return this.choose(hits.findIndex(({ href }) => href === address));
      const { thread } = this;
      const here = numberOf(thread.placeOf(thread.lineBeingRead() ?? this));
      const next = hits.findIndex((hit) => (here >= 0 ? numberOf(hit.dataset.message) >= here : this.messageOf(hit)));
      if (next < 0 && this.goesOn && this.thread.querySelector('[data-more="earlier"]')) return;
      this.isNew = false;
      this.go(Math.max(0, next));
    }

    get goesOn() {
      return this.querySelector(".find__list [hx-get]");
    }

    step(by) {
      const { length } = this.hits;
      if (length) this.go((Math.max(this.at, by < 0 ? 0 : -1) + by + length) % length);
    }

    go(at) {
      this.choose(at);
      const hit = this.hits[at];
      history.replaceState(history.state, "", hit.href);
      this.show(hit);
    }

    choose(at) {
      this.querySelector(".hit[aria-current]")?.removeAttribute("aria-current");
      const hit = this.hits[at];
      hit?.setAttribute("aria-current", "true");
      hit?.scrollIntoView({ block: "nearest" });
      this.at = at;
      this.tell();
    }

    tell() {
      const count = `${this.hits.length}${this.goesOn ? "+" : ""}`;
      if (this.words) {
        this.say(
          this.dataset.place.replace("{place}", this.at + 1 || (this.hits.length ? "–" : 0)).replace("{count}", count),
        );
      }
    }

    say(words) {
      this.querySelector("[role=status]").textContent = words;
    }

    async show(hit) {
      this.shown = hit;
      const message = this.messageOf(hit) ?? (await this.fetch(hit));
      if (!message || this.shown !== hit) return;
      for (const other of this.thread.querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
      for (const place of [message, ...lectern.resultsOf(message)]) place.setAttribute("aria-current", "true");
      this.land(message, hit.dataset);
    }

    messageOf({ dataset: { message } }) {
      return this.thread.messages().find((one) => (message ? this.thread.placeOf(one) === message : one.ariaCurrent));
    }

    async fetch(hit) {
      const answer = await lectern.fragment(hit.href);
      if (!answer.ok) return void this.say(this.dataset.failed);
      const window = document.createElement("template");
      window.innerHTML = await answer.text();
      if (this.shown !== hit) return;
      for (const head of window.content.querySelectorAll("[autofocus]")) head.autofocus = false;
      this.thread.replaceChildren(window.content);
      htmx.process(this.thread);
      markWords(this.thread, this.words, this.also);
      document.querySelector("select-messages").draw();
      return this.messageOf(hit);
    }

    // Opens what is folded over the hit. A long text is fetched whole when the hit is not in its beginning.
    land(message, { nth, in: part }) {
      const marks = this.within(message, "mark:not([data-goes-on], [data-also])");
      if (marks.length < nth) { for (const more of this.within(message, "[hx-get]")) more.click(); }
      const mark = marks[Math.min(nth, marks.length) - 1];
      const found = mark ?? message.querySelector(`[data-part="${part}"]`) ?? lectern.placesOf(message)[0];
      lectern.openFolds(found);
      mark?.setAttribute("aria-current", "true");
      this.thread.land(found.closest("[data-shows], article"), found);
    }

    // What a message shows in its place and in cards, in the order of viewer/find/finding.py: results before calls.
    within(message, selector) {
      const results = lectern.resultsOf(message).sort((one, other) => one.dataset.index - other.dataset.index);
      const [own, ...inCards] = [message, ...results].map((place) =>
        [...place.querySelectorAll(selector)].filter((one) => one.closest("[data-shows], article") === place)
      );
      const isBehind = (one) => one.closest(".calls, article > .fold");
      return [...own.filter((one) => !isBehind(one)), ...inCards.flat(), ...own.filter(isBehind)];
    }

    // Messages came by scrolling, or a long text is whole now.
    markLate(loaded) {
      const place = loaded.closest("[data-shows], article");
      for (const one of place?.matches("article") ? [place, ...lectern.resultsOf(place)] : [place ?? loaded]) {
        markWords(one, this.words, this.also);
      }
      const isShown = this.shown && place !== loaded && place?.closest("[aria-current]");
      if (isShown) this.land(this.messageOf(this.shown), this.shown.dataset);
    }
  },
);
