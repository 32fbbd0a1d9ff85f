// <light-box><dialog>: shows a picture of the conversation large, and leads to the one before and after it. The picture
// is a link, which opens it without JavaScript, and in a tab of its own with Ctrl or Shift.
customElements.define(
  "light-box",
  class extends HTMLElement {
    connectedCallback() {
      this.dialog = this.querySelector("dialog");
      document.addEventListener("click", (event) => {
        const link = event.target.closest?.(".picture > a:has(img)");
        if (!link || !lectern.isPlainClick(event)) return;
        event.preventDefault();
        this.show(link);
        this.dialog.showModal();
        this.dialog.querySelector("form button").focus();
      });
      this.dialog.addEventListener("click", ({ target }) => {
        if (target === this.dialog) this.dialog.close(); // beside it
        const button = target.closest("[data-step]");
        if (button) this.step(Number(button.dataset.step));
      });
      this.dialog.addEventListener(
        "keydown",
        ({ key }) => this.step({ ArrowLeft: -1, ArrowRight: 1 }[key] * (document.dir === "rtl" ? -1 : 1)),
      );
      this.dialog.addEventListener("close", () => this.link.focus());
    }

    step(by) {
      const links = this.links();
      const next = links[links.indexOf(this.link) + by];
      if (next) this.show(next);
    }

    links() {
      return [...document.querySelectorAll(".picture > a:has(img)")];
    }

    show(link) {
      this.link = link;
      const image = Object.assign(link.querySelector("img").cloneNode(), { loading: "eager" });
      const pixels = this.holding("pixels");
      pixels.textContent = "";
      image.addEventListener("load", () => (pixels.textContent = `${image.naturalWidth} × ${image.naturalHeight}`));
      this.holding("picture").replaceChildren(image);
      const caption = link.closest("figure").querySelector("figcaption").cloneNode(true);
      this.holding("caption").replaceChildren(...caption.childNodes);
      const permalink = link.closest("article").querySelector(".message__link a");
      const message = this.holding("message");
      message.hidden = !permalink;
      if (permalink) {
        const textContent = lectern.numberOn(link.closest("article"));
        Object.assign(message.querySelector("a"), { href: permalink.href, textContent });
      }
      this.holding("original").href = link.href;
      const links = this.links();
      const place = links.indexOf(link);
      this.holding("place").textContent = `${place + 1} / ${links.length}`;
      for (const button of this.querySelectorAll("[data-step]")) {
        button.setAttribute("aria-disabled", !links[place + Number(button.dataset.step)]);
      }
    }

    holding(what) {
      return this.querySelector(`[data-holds="${what}"]`);
    }
  },
);
