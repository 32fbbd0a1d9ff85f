// <share-form>: a kind ticks all that is found of it; naming a colleague chooses them; what is selected on the page can
// be added to the own words; another choice looks again for what can be redacted; Ctrl+Enter shares, as it saves notes.
customElements.define(
  "share-form",
  class extends HTMLElement {
    meanwhile = []; // what was chosen since it was looked for

    connectedCallback() {
      this.form = this.querySelector("form");
      this.add = this.querySelector("[data-add-selection]");
      this.addEventListener("change", ({ target }) => this.change(target));
      this.addEventListener("input", ({ target }) => target.name === "person" && target.value && this.choosePeople());
      document.addEventListener("selectionchange", () => this.add.hidden = !this.selected);
      this.add.addEventListener("mousedown", (event) => event.preventDefault()); // keeps the selection
      this.add.addEventListener("click", () => this.addWords());
      this.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
          event.preventDefault();
          this.form.requestSubmit(this.form.querySelector("[name=step]"));
        }
      });
      // What was chosen before this script came counts too.
      for (const box of this.querySelectorAll("[data-all], [value=link]")) {
        if (box.checked !== box.defaultChecked) this.change(box);
      }
      this.followKinds();
      this.addEventListener("htmx:beforeRequest", () => this.meanwhile = []);
      this.addEventListener("htmx:afterSwap", () => this.keepChoices());
    }

    get selected() {
      const selection = getSelection();
      const isOutside = document.activeElement?.matches("input, textarea");
      const words = selection.toString().replace(/\s+/g, " ").trim();
      return isOutside || words.length > 200 ? "" : words;
    }

    boxesOf(kind) {
      return [...this.querySelectorAll(`[data-kind="${kind}"] [data-redaction] input`)];
    }

    change({ name, value, checked, dataset, form }) {
      if (form !== this.form) return;
      this.meanwhile.push({ name, value, checked });
      if (dataset.all !== undefined) this.boxesOf(value).forEach((box) => box.checked = checked);
      else if (name === "redact") this.followKinds();
      if (name === "audience" && value === "link" && checked) {
        for (const box of this.querySelectorAll("[name=redact]")) box.checked = true;
      }
    }

    // What came was drawn before these were chosen.
    keepChoices() {
      for (const { name, value, checked } of this.meanwhile.splice(0)) {
        const box = this.querySelector(`[name=${name}][value="${CSS.escape(value)}"]`);
        if (box) this.change(Object.assign(box, { checked }));
      }
      this.followKinds();
    }

    // A kind is ticked when all that is found of it is.
    followKinds() {
      for (const all of this.querySelectorAll("[data-all]")) {
        const boxes = this.boxesOf(all.value);
        if (boxes.length) all.checked = boxes.every((box) => box.checked);
      }
    }

    choosePeople() {
      const people = this.form.querySelector("[name=audience][value=people]");
      const everybody = this.form.querySelector("[name=audience][value=signed-in]");
      if (everybody.checked) people.checked = true;
    }

    addWords() {
      const words = this.form.elements.words;
      words.value = [words.value.trim(), this.selected].filter(Boolean).join("\n");
      getSelection().removeAllRanges();
      words.dispatchEvent(new Event("change", { bubbles: true }));
    }
  },
);
