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
    }

    send(event) {
      const { target: form, submitter } = event;
      if (submitter.hasAttribute("formaction")) return;
      event.preventDefault();
      const url = `${form.action}?${new URLSearchParams(new FormData(form, submitter))}`;
      if ("copy" in submitter.dataset) this.copy(url);
      else this.download(url);
    }

    async download(url) {
      const file = await this.fetched(url);
      if (!file) return;
      const href = URL.createObjectURL(file);
      Object.assign(document.createElement("a"), { href, download: file.name }).click();
      setTimeout(() => URL.revokeObjectURL(href), 60_000);
    }

    // The text is promised at once: browsers forget the click that allowed it while a long conversation is read.
    async copy(url) {
      const fetched = this.fetched(url);
      const text = fetched.then((file) => file?.text() ?? Promise.reject(new Error("nothing to copy")));
      text.catch(() => {}); // `fetched` has said it
      try {
        await navigator.clipboard.write([new ClipboardItem({ "text/plain": text })]);
      } catch {
        if (!(await fetched)) return;
        if (!(await lectern.copy(await text))) return lectern.say(this.dataset.notCopied);
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
        messages += text.match(/\n(##|==) /g)?.length ?? 0;
        tail = text.slice(-3);
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
