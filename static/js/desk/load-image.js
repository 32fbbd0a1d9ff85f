// <load-image data-caption data-alt data-failed><span><a href>: puts the picture in the tile's place, or says in the
// tile why it did not come; the link stays. The answer is fetched first, for its sentence; the <img> then takes it out
// of the browser's own cache.
customElements.define(
  "load-image",
  class extends HTMLElement {
    connectedCallback() {
      this.link = this.querySelector("a");
      this.link?.addEventListener("click", (event) => {
        if (!lectern.isPlainClick(event)) return;
        event.preventDefault();
        if (this.link.getAttribute("aria-busy") !== "true") this.load();
      });
    }

    async load() {
      this.link.setAttribute("aria-busy", "true");
      const told = await this.fetched();
      this.link.removeAttribute("aria-busy");
      const span = this.querySelector("span");
      this.note ??= span.textContent.trim();
      if (told) span.textContent = `${this.note}. ${told}`;
      else this.show();
    }

    // Gives what went wrong in words, and nothing when the picture has come.
    async fetched() {
      try {
        const answer = await lectern.fetch(this.link.href);
        const type = answer.headers.get("Content-Type") ?? "";
        if (answer.ok && type.startsWith("image/")) return void (await answer.blob());
        return type.startsWith("text/plain") ? await answer.text() : this.dataset.failed;
      } catch {
        return lectern.words.noAnswer;
      }
    }

    show() {
      const figure = this.closest("figure");
      const image = Object.assign(new Image(), { src: this.link.href, alt: this.dataset.alt });
      figure.querySelector("figcaption span").textContent = this.dataset.caption;
      const link = Object.assign(document.createElement("a"), { href: this.link.href });
      link.append(image);
      const hadFocus = this.contains(document.activeElement);
      this.replaceWith(link);
      if (hadFocus) link.focus({ preventScroll: true });
    }
  },
);
