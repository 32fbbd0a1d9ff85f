// <select-messages data-order>: a range of messages, by check boxes in their heads; a click on a head, its number
// included, is a click on its box. A message outside widens the range, one inside cuts it off there.
{
  const MESSAGE = 'article[data-message-id]:not([data-message-id=""])';
  customElements.define(
    "select-messages",
    class extends HTMLElement {
      connectedCallback() {
        this.lastChild.addEventListener("click", () => this.close());
        document.addEventListener("click", (event) => this.click(event), true);
        document.addEventListener("keydown", (event) => this.key(event));
        document.addEventListener("htmx:load", () => this.draw());
      }

      click(event) {
        const message = event.target.closest?.(`${MESSAGE} > .message__head`)?.parentNode;
        const isOpening = event.target.closest?.("[data-select]");
        if (isOpening) this.open(isOpening.closest("details"));
        if (this.hidden || !message || event.target.closest(".message__raw, [data-copy]")) return;
        event.stopPropagation();
        if (!event.target.matches(".message__pick")) event.preventDefault();
        this.pick(message);
      }

      key(event) {
        const message = event.target.closest(MESSAGE);
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (this.hidden || event.isComposing) return;
        if (event.key === "Escape") return this.close();
        if (message && event.key === " " && event.target.matches("article, header")) this.pick(message);
        else if (message && event.shiftKey && step) this.extend(message, step);
        else return;
        event.preventDefault();
      }

      extend(message, step) {
        const next = this.messages[this.messages.indexOf(message) + step];
        const box = next?.querySelector(".message__pick");
        if (!box) return;
        if (!message.querySelector(":checked.message__pick")) this.pick(message);
        this.pick(box.checked ? message : next);
        box.focus();
      }

      pick(message) {
        const k = this.messages.indexOf(message);
        let [low, high] = this.range;
        if (low < 0) low = high = k;
        else if (k < low) low = k;
        else if (k > high) high = k;
        else if (low === high) low = high = -1;
        else if (k === low) low++;
        else high = k - 1;
        this.ends = [low, high].map((n) => this.messages[n]);
        this.draw();
      }

      get messages() {
        return [...document.querySelectorAll(MESSAGE)];
      }

      get range() {
        return (this.ends ?? []).length ? this.ends.map((message) => this.messages.indexOf(message)) : [-1, -1];
      }

      open(menu) {
        if (menu) menu.open = false;
        this.hidden = false;
        this.draw();
        if (menu) document.querySelector("reading-place").lineBeingRead()?.querySelector(".message__pick")?.focus({ preventScroll: true });
      }

      close() {
        this.ends = [];
        this.hidden = true;
        for (const box of document.querySelectorAll(".message__pick")) box.remove();
      }

      draw() {
        if (this.hidden) return;
        const [low, high] = this.range;
        this.messages.forEach((message, n) => {
          const head = message.querySelector(".message__head");
          if (!head.querySelector(".message__pick")) head.prepend(this.box(head));
          head.firstChild.checked = n >= low && n <= high && low >= 0;
        });
        const ids = low < 0 ? ["", ""] : this.ends.map((message) => message.dataset.messageId);
        if (this.dataset.order === "desc") ids.reverse();
        const { elements, parentNode } = this.querySelector("form");
        [elements.from.value, elements.to.value] = ids;
        for (const button of elements) button.disabled = low < 0;
        parentNode.firstChild.textContent = low < 0 ? this.dataset.none : this.dataset.some.replace("{count}", high - low + 1);
      }

      box(head) {
        const box = Object.assign(document.createElement("input"), { type: "checkbox", className: "message__pick" });
        box.setAttribute("aria-label", this.dataset.pick.replace("{message}", head.querySelector(".message__number")?.textContent ?? ""));
        return box;
      }
    },
  );
}
