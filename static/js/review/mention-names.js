// <mention-names>: offers the names of colleagues after an @ in its text area.
customElements.define(
  "mention-names",
  class extends HTMLElement {
    connectedCallback() {
      this.field = this.querySelector("textarea");
      this.names = [...this.querySelectorAll("option")].map(({ value, label }) => ({ value, label }));
      this.list = Object.assign(document.createElement("ul"), { className: "mention-names", hidden: true });
      this.list.id = `names-${Math.random().toString(36).slice(2)}`;
      this.list.role = "listbox";
      this.list.ariaLabel = "@";
      this.append(this.list);
      this.field.setAttribute("aria-autocomplete", "list");
      this.field.setAttribute("aria-controls", this.list.id);
      this.field.addEventListener("input", () => this.offer());
      this.field.addEventListener("keydown", (event) => this.press(event));
      this.field.addEventListener("blur", () => this.show([]));
      // Before the field loses the focus.
      this.list.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        this.take(event.target.closest("li"));
      });
    }

    // What was typed after an @ before the caret.
    get typed() {
      const before = this.field.value.slice(0, this.field.selectionStart);
      return before.match(/(?:^|[^\p{L}\p{N}_@.+-])@([\p{L}\p{N}_@.+-]*)$/u)?.[1].toLowerCase();
    }

    offer() {
      const { typed } = this;
      const fits = ({ value, label }) =>
        [value, ...label.split(/\s+/)].some((word) => word.toLowerCase().startsWith(typed));
      this.show(typed === undefined ? [] : this.names.filter(fits).slice(0, 6));
    }

    show(names) {
      this.list.replaceChildren(...names.map(({ value, label }, n) => {
        const option = document.createElement("li");
        option.textContent = label === value ? `@${value}` : `@${value} · ${label}`;
        option.dataset.name = value;
        option.id = `${this.list.id}-${n}`;
        option.role = "option";
        return option;
      }));
      this.list.hidden = !names.length;
      this.choose(this.list.firstElementChild);
    }

    choose(option) {
      for (const one of this.list.children) one.ariaSelected = one === option;
      if (option) this.field.setAttribute("aria-activedescendant", option.id);
      else this.field.removeAttribute("aria-activedescendant");
    }

    take(option) {
      if (!option) return;
      const end = this.field.selectionStart;
      this.field.setRangeText(`${option.dataset.name} `, end - this.typed.length, end, "end");
      this.show([]);
    }

    press(event) {
      if (this.list.hidden || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
      const options = [...this.list.children];
      const chosen = options.find((one) => one.ariaSelected === "true");
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (by) this.choose(options.at((options.indexOf(chosen) + by) % options.length));
      else if (["Enter", "Tab"].includes(event.key) && !event.shiftKey) this.take(chosen);
      else if (event.key === "Escape") this.show([]);
      else return;
      event.preventDefault();
    }
  },
);
