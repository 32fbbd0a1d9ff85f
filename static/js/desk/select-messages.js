// <select-messages data-of data-order>: a range of messages, by check boxes in their heads; a click on a head, its
// number included, is a click on its box. A message outside widens the range, one inside cuts it off there.
{
  const MESSAGE = "reading-place article:not([data-message-id=''])";
  const thread = document.querySelector("reading-place");
  customElements.define(
    "select-messages",
    class extends HTMLElement {
      connectedCallback() {
        this.querySelector("[data-close]").addEventListener("click", () => this.close());
        document.addEventListener("click", (event) => this.click(event), true);
        document.addEventListener("keydown", (event) => this.key(event));
        document.addEventListener("htmx:load", () => this.draw());
        if (this.ends.length) this.open();
      }

      click(event) {
        const message = event.target.closest?.(".message__head") && this.messageAt(event.target);
        const isOpening = event.target.closest?.("[data-select]");
        if (isOpening) this.open(isOpening.closest("details.menu"));
        if (this.hidden || !message || event.target.closest(".message__raw, button[data-copy], copy-content")) return;
        event.stopPropagation();
        if (!event.target.matches(".message__pick")) event.preventDefault();
        this.pick(message);
      }

      key(event) {
        const message = this.messageAt(event.target);
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (this.hidden || event.isComposing) return;
        if (event.key === "Escape") return this.close();
        if (message && event.key === " " && event.target.matches("article, header")) this.pick(message);
        else if (message && event.shiftKey && step) this.extend(message, step);
        else return;
        event.preventDefault();
      }

      extend(message, step) {
        const boxes = [...document.querySelectorAll(".message__pick")].filter((box) => box.checkVisibility());
        const at = boxes.findIndex((box) => this.messageAt(box) === message);
        const box = boxes[at + step];
        if (at < 0 || !box) return;
        if (!boxes[at].checked) this.pick(message);
        this.pick(box.checked ? message : this.messageAt(box));
        box.focus();
      }

      pick(message) {
        const { messages, ends: [first, last], range: [low, high] } = this;
        const k = messages.indexOf(message);
        const id = (n) => thread.placeOf(messages[n] ?? message); // at the edge of the page the message itself
        if (!first || Number.isNaN(high - low)) this.ends = [id(k), id(k)];
        else if (k < low) this.ends = [id(k), last];
        else if (k > high) this.ends = [first, id(k)];
        else if (low === high) this.ends = [];
        else if (k === low) this.ends = [id(k + 1), last];
        else this.ends = [first, id(k - 1)];
        this.draw();
      }

      get messages() {
        return [...document.querySelectorAll(MESSAGE)];
      }

      messageAt(element) {
        const place = lectern.placeAt(element);
        const shows = place?.dataset.shows;
        return this.messages.find((message) => (shows ? message.dataset.messageId === shows : message === place));
      }

      // The places of both ends, in the order of this page. The tab keeps them: the page that they lie on may be gone.
      get ends() {
        const { of, ends } = JSON.parse(sessionStorage.selected ?? "{}");
        return of === this.dataset.of ? this.turned(ends) : [];
      }

      set ends(ends) {
        sessionStorage.selected = JSON.stringify({ of: this.dataset.of, ends: this.turned(ends) });
      }

      turned(ends) {
        return this.dataset.order === "desc" ? [...ends].reverse() : ends;
      }

      // Where the ends stand among the messages on the page; one that is not there by its number, or nobody knows.
      get range() {
        const ids = this.messages.map((message) => thread.placeOf(message));
        const way = this.dataset.order === "desc" ? -1 : 1;
        const counted = ids.findIndex((id) => numberOf(id) < 1e9);
        const placed = (id) => counted + way * (numberOf(id) - numberOf(ids[counted]));
        return this.ends.map((id) => (ids.includes(id) ? ids.indexOf(id) : placed(id)));
      }

      open(menu) {
        if (menu) menu.open = false;
        this.hidden = false;
        this.draw();
        if (menu) thread.lineBeingRead()?.querySelector(".message__pick")?.focus({ preventScroll: true });
      }

      close() {
        delete sessionStorage.selected;
        this.hidden = true;
        for (const box of document.querySelectorAll(".message__pick")) box.remove();
      }

      draw() {
        if (this.hidden) return;
        const [low, high] = this.range;
        this.messages.forEach((message, n) => {
          for (const place of lectern.placesOf(message)) {
            const head = lectern.headOf(place);
            if (!head.querySelector(".message__pick")) head.prepend(this.box(place));
            head.querySelector(".message__pick").checked = n >= low && n <= high;
          }
        });
        const { ends } = this;
        const { elements } = this.querySelector("form");
        [elements.from.value, elements.to.value] = ends.length ? this.turned(ends) : ["", ""];
        for (const button of elements) button.disabled = !ends.length;
        this.querySelector("output").textContent = ends.length
          ? this.dataset.some.replace("{count}", high - low < 1e8 ? high - low + 1 : "…")
          : this.dataset.none;
      }

      box(place) {
        const box = Object.assign(document.createElement("input"), { type: "checkbox", className: "message__pick" });
        box.setAttribute("aria-label", this.dataset.pick.replace("{message}", lectern.numberOn(place)));
        return box;
      }
    },
  );
}
