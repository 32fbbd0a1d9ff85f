// <take-along>: what its forms ask for is copied or downloaded here, telling how far it is, until it is cancelled.
// Without this script the browser downloads it.
customElements.define(
  "take-along",
  class extends HTMLElement {
    connectedCallback() {
      this.bar = this.querySelector("[data-taking]");
      for (const part of this.querySelectorAll("[data-script]")) part.hidden = false;
      this.bar.querySelector("[data-cancel]").addEventListener("click", () => this.running.abort());
      const forms = document.querySelectorAll("take-along form, .message__tools"); // which stand on a message by now
      for (const form of forms) form.addEventListener("submit", (event) => this.send(event));
      this.querySelectorAll("form:has([name=include])").forEach((form, n) => this.remember(form, `include-${n}`));
    }

    // The tab keeps what a form is to include; a new one begins with what is safe to send.
    remember(form, key) {
      const { include } = form.elements;
      include.value = sessionStorage[key] ?? include.value;
      form.addEventListener("change", () => sessionStorage[key] = include.value);
    }

    send(event) {
      const { target: form, submitter } = event;
      if (submitter.hasAttribute("formaction")) return;
      event.preventDefault();
      const url = `${form.action}?${new URLSearchParams(new FormData(form, submitter))}`;
      if ("copy" in submitter.dataset) this.copy(url, submitter.dataset.copy);
      else this.download(url);
    }

    async download(url) {
      const file = await this.fetched(url);
      if (!file) return;
      const href = URL.createObjectURL(file);
      Object.assign(document.createElement("a"), { href, download: file.name }).click();
      setTimeout(() => URL.revokeObjectURL(href), 60_000);
    }

    // The clipboard gets HTML beside the text, if that was asked for. Both are promised at once: browsers forget the
    // click that allowed it while a long conversation is read.
    async copy(url, withHtml) {
      const fetched = this.fetched(url);
      const read = async (flavour) => {
        const text = await (await fetched ?? Promise.reject(new Error("nothing to copy"))).text();
        return withHtml ? text.trim().split("\n").map((line) => JSON.parse(line)[flavour]).join("") : text;
      };
      const blob = async (flavour, type) => new Blob([await read(flavour)], { type });
      const flavours = { "text/plain": blob("text", "text/plain") };
      if (withHtml) flavours["text/html"] = blob("html", "text/html");
      for (const flavour of Object.values(flavours)) flavour.catch(() => {}); // `fetched` has said it
      try {
        await navigator.clipboard.write([new ClipboardItem(flavours)]);
      } catch {
        if (!(await fetched)) return;
        if (!(await lectern.copy(await read("text")))) return lectern.say(this.dataset.notCopied);
      }
      if (!(await fetched).isIncomplete) lectern.say(lectern.words.copied);
    }

    // Gives nothing when it was cancelled or could not be had, and says so.
    async fetched(url) {
      this.running?.abort();
      const running = (this.running = new AbortController());
      const slow = setTimeout(() => this.tell(this.dataset.reading), 300);
      try {
        const answer = await lectern.fetch(url, { signal: running.signal });
        const name = answer.headers.get("Content-Disposition")?.match(/filename="(.+?)"/)[1];
        if (!name) throw new Error(answer.status);
        const file = new File(await this.pieces(answer.body.getReader()), name, { type: "text/plain" });
        const end = await file.slice(-3000).text();
        file.isIncomplete = /"incomplete": ?"/.test(end) ||
          ["-- ", "**"].some((lead) => end.includes(`\n${lead}${this.dataset.mark}`));
        if (file.isIncomplete) lectern.say(this.dataset.incomplete);
        return file;
      } catch {
        lectern.say(running.signal.aborted ? this.dataset.cancelled : this.dataset.failed);
      } finally {
        clearTimeout(slow);
        if (this.running === running) this.tell("");
      }
    }

    async pieces(reader) {
      const [pieces, decoder] = [[], new TextDecoder()];
      const shown = (number) => number.toLocaleString(document.documentElement.lang);
      for (let bytes = 0, messages = 0, tail = "";;) {
        const { done, value } = await reader.read();
        if (done) return pieces;
        pieces.push(value);
        bytes += value.length;
        const text = tail + decoder.decode(value, { stream: true });
        const end = text.lastIndexOf("\n") + 1;
        messages += text.slice(0, end).match(/^(##|==|\{"text": "\\n==) /gm)?.length ?? 0;
        tail = text.slice(end);
        this.bar.querySelector("[data-so-far]").textContent = `${
          messages ? `${this.dataset.progress.replace("{count}", shown(messages))}, ` : ""
        }${shown(Math.ceil(bytes / 1000))} kB`;
      }
    }

    tell(words) {
      this.bar.hidden = !words;
      this.bar.querySelector("output").textContent = words;
    }
  },
);

document.addEventListener("click", (event) => event.target.closest?.("[data-print]") && print());
