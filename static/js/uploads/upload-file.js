// <upload-file>: sends a chosen or dropped file, or pasted text, in parts with a progress bar. A part that gets lost is
// sent again, and who chooses the same file later goes on where it was. Without this the forms send all at once.
customElements.define(
  "upload-file",
  class extends HTMLElement {
    connectedCallback() {
      const [form, paste] = this.querySelectorAll("form");
      const { file } = form.elements;
      this.drop = form;
      this.token = form.elements.csrfmiddlewaretoken.value;
      form.querySelector("button").hidden = !file.files.length; // chosen before this script came
      file.addEventListener("change", () => file.files.length && this.send(file.files));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.send(file.files);
      });
      paste.addEventListener("submit", (event) => {
        event.preventDefault();
        this.send([new Blob([paste.elements.text.value])]);
      });
      this.querySelector("[data-stop]").addEventListener("click", () => this.stop());
      this.listenForDrops();
    }

    // A file may be dropped anywhere on the page: a browser would leave it and show the file instead.
    listenForDrops() {
      const isFile = (event) => event.dataTransfer?.types.includes("Files");
      const over = (isOver) => this.drop.classList.toggle("drop--over", isOver);
      addEventListener("dragover", (event) => {
        if (!isFile(event)) return;
        event.preventDefault();
        over(true);
      });
      addEventListener("dragleave", (event) => event.relatedTarget || over(false));
      addEventListener("drop", (event) => {
        if (!isFile(event)) return;
        event.preventDefault();
        over(false);
        if (!this.isSending) this.sendDropped(event.dataTransfer);
      });
    }

    sendDropped({ files, items }) {
      if (items[0]?.webkitGetAsEntry?.()?.isDirectory) return this.complain(this.dataset.folder);
      this.send(files);
    }

    async send(files) {
      const { max, tooLarge, onlyOne, failed } = this.dataset;
      const [file] = files;
      this.complain("");
      if (files.length > 1) return this.complain(onlyOne);
      if (file.size > max) return this.complain(tooLarge);
      this.show(file);
      try {
        await this.sendParts(file);
      } catch (error) {
        this.show(null);
        if (error.name !== "AbortError") this.complain(error.reason ?? failed);
      }
    }

    async sendParts(file) {
      const told = { name: file.name ?? "", size: file.size, modified: file.lastModified ?? 0 };
      const begun = await this.post(this.dataset.start, new URLSearchParams(told));
      if (!begun.ok) throw begun;
      const { id } = begun;
      for (let { received } = begun; received < file.size;) {
        this.progress(received, file.size);
        received = await this.sendPart(id, file, received);
      }
      this.progress(file.size, file.size);
      location.assign(`${this.dataset.start}${id}/`);
    }

    // Returns how much is there then. What may help, is tried again for some ten minutes.
    async sendPart(id, file, from) {
      const part = file.slice(from, from + 8_000_000);
      for (let pause = 0.5, tries = 0; tries < 24; tries++) {
        const address = `${this.dataset.parts}${id}/?from=${from}`;
        const answer = await this.post(address, part, (sent) => this.progress(from + sent, file.size));
        if (answer.received > from || (answer.ok && answer.received !== undefined)) {
          this.say("");
          return answer.received;
        }
        const { status } = answer;
        if (answer.reason || (status >= 400 && status < 500 && ![409, 421, 429].includes(status))) throw answer;
        if (status === 421 && tries > 8) throw { reason: this.dataset.elsewhere };
        if (!status) this.say(this.dataset.waiting);
        await new Promise((resolve) => setTimeout(resolve, pause * 1000));
        pause = Math.min(30, pause * 2);
        if (!this.isSending) throw { name: "AbortError" };
      }
      throw {};
    }

    post(address, body, onProgress) {
      return new Promise((resolve, reject) => {
        const request = this.request = new XMLHttpRequest();
        request.open("POST", address);
        request.responseType = "json";
        request.setRequestHeader("X-CSRFToken", this.token);
        request.setRequestHeader("X-Page-Source", "archive"); // without a session the answer is 401, not a page
        if (body instanceof Blob) request.setRequestHeader("Content-Type", "application/octet-stream");
        if (onProgress) request.upload.addEventListener("progress", ({ loaded }) => onProgress(loaded));
        request.addEventListener("abort", () => reject({ name: "AbortError" }));
        request.addEventListener("error", () => resolve({ status: 0 }));
        request.addEventListener("load", () => {
          const { status, response } = request;
          resolve({ ok: status === 200, status, reason: response?.error, ...response });
        });
        request.send(body);
      });
    }

    get isSending() {
      return this.drop.hidden;
    }

    show(file) {
      const section = this.querySelector("[data-sending]");
      this.drop.hidden = Boolean(file);
      this.querySelector("details").hidden = Boolean(file);
      section.hidden = !file;
      if (!file) return this.drop.elements.file.value = "";
      section.querySelector("h2").textContent = file.name ?? this.dataset.pasted;
      this.progress(0, file.size);
      section.querySelector("[data-stop]").focus();
    }

    progress(sent, size) {
      const bar = this.querySelector("[data-sending] progress");
      bar.max = size || 1;
      bar.value = Math.min(sent, size);
      const inMegabytes = (bytes) => `${(bytes / 1e6).toLocaleString(document.documentElement.lang, digits)} MB`;
      const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
      this.querySelector("[data-figures]").textContent = this.dataset.sent
        .replace("{sent}", inMegabytes(bar.value))
        .replace("{size}", inMegabytes(size));
    }

    say(words) {
      this.querySelector("[data-said]").textContent = words;
    }

    complain(words) {
      const notice = this.querySelector("[data-problem-said]");
      notice.hidden = !words;
      notice.querySelector("p").textContent = words;
    }

    stop() {
      this.show(null);
      this.request.abort();
      location.reload(); // the list says how far it came
    }
  },
);
