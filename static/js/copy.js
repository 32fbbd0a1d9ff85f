// <copy-link><a href>: a plain click copies the whole address; <copy-text><input><button>: copies what the field
// holds; <copy-code> around a <pre> gets a button that copies the code; <copy-content><a href> gets one that copies what
// the address gives.
{
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // The clipboard is closed to pages on plain http; the old command still works there.
      const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
      const focused = document.activeElement;
      field.className = "visually-hidden";
      document.body.append(field);
      field.select();
      const copied = document.execCommand("copy");
      field.remove();
      focused?.focus({ preventScroll: true });
      return copied;
    }
  };

  let timer;
  const say = (words) => {
    const toast = document.querySelector(".toast");
    toast.textContent = words;
    clearTimeout(timer);
    timer = setTimeout(() => (toast.textContent = ""), 2500);
  };

  // In the reader's language.
  const words = document.querySelector(".toast").dataset;
  // With a modifier a click is the browser's own: another tab, a download.
  const isPlain = (event) => !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  // For the other scripts.
  globalThis.lectern = { copy, isPlain, say, words };

  customElements.define(
    "copy-link",
    class extends HTMLElement {
      connectedCallback() {
        this.addEventListener("click", async (event) => {
          const link = event.target.closest("a");
          if (!link || !isPlain(event)) return;
          event.preventDefault();
          if (await copy(link.href)) say(words.linkCopied);
          else location.assign(link.href);
        });
      }
    },
  );

  customElements.define(
    "copy-code",
    class extends HTMLElement {
      connectedCallback() {
        const button = Object.assign(document.createElement("button"), { type: "button", textContent: words.copy });
        button.className = "button button--quiet button--small copy-code__button";
        button.setAttribute("aria-label", words.copyCode);
        button.addEventListener("click", async () => {
          if (await copy(this.querySelector("pre").textContent)) say(words.codeCopied);
        });
        this.append(button);
      }
    },
  );

  customElements.define(
    "copy-content",
    class extends HTMLElement {
      connectedCallback() {
        const link = this.querySelector("a");
        // A copy of this has one already.
        const button = this.querySelector("button") ?? document.createElement("button");
        Object.assign(button, { type: "button", className: link.className });
        button.replaceChildren(...link.cloneNode(true).childNodes);
        button.firstChild.textContent = words.copy;
        button.onclick = async () => {
          const answer = await lectern.fetch(link.href).catch(() => ({}));
          // The bar says why.
          if (answer.status === 401) return;
          say(answer.ok && (await copy(await answer.text())) ? words.copied : words.notCopied);
        };
        this.prepend(button);
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
          const field = this.querySelector("input");
          field.select();
          say((await copy(field.value)) ? words.copied : words.press);
        });
      }
    },
  );
}
