// <copy-link data-copied><a href>: a plain click copies the whole address.
// <copy-text data-press><input><button value>: copies what the field holds, or without one the value of the button.
// <copy-code> around a <pre>: gets the button of the page's `template[data-copy-code]`, which copies the code.
// <copy-content data-not-copied><button hidden><a href>: the button copies what the address gives.
customElements.define(
  "copy-link",
  class extends HTMLElement {
    connectedCallback() {
      this.addEventListener("click", async (event) => {
        const link = event.target.closest("a");
        if (!link || !lectern.isPlainClick(event)) return;
        event.preventDefault();
        if (await lectern.copy(link.href)) lectern.say(this.dataset.copied);
        else location.assign(link.href);
      });
    }
  },
);

customElements.define(
  "copy-code",
  class extends HTMLElement {
    connectedCallback() {
      const button = document.querySelector("template[data-copy-code]")?.content.querySelector("button").cloneNode(
        true,
      );
      if (!button) return;
      button.addEventListener("click", async () => {
        if (await lectern.copy(this.querySelector("pre").textContent)) lectern.say(button.dataset.copied);
      });
      this.append(button);
    }
  },
);

customElements.define(
  "copy-content",
  class extends HTMLElement {
    connectedCallback() {
      const button = this.querySelector("button");
      button.hidden = false;
      button.onclick = async () => {
        const answer = await lectern.fetch(this.querySelector("a").href).catch(() => ({}));
        // The bar says why.
        if (answer.status === 401) return;
        const isCopied = answer.ok && (await lectern.copy(await answer.text()));
        lectern.say(isCopied ? lectern.words.copied : this.dataset.notCopied);
      };
    }
  },
);

customElements.define(
  "copy-text",
  class extends HTMLElement {
    connectedCallback() {
      const button = this.querySelector("button");
      button.hidden = false;
      button.addEventListener("click", async () => {
        const field = this.querySelector("input, textarea");
        field?.select();
        const isCopied = await lectern.copy((field ?? button).value);
        lectern.say(isCopied ? lectern.words.copied : this.dataset.press);
      });
    }
  },
);
