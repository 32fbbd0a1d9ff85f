// <count-down seconds="17">: counts the wait on screen; it is not announced each second.
customElements.define(
  "count-down",
  class extends HTMLElement {
    connectedCallback() {
      this.setAttribute("aria-live", "off");
      const ends = Date.now() + Number(this.getAttribute("seconds")) * 1000;
      const show = () => {
        const left = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
        this.textContent = left
          ? this.dataset.in.replace("{time}", `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`)
          : this.dataset.now;
        if (!left) clearInterval(this.timer);
      };
      show();
      this.timer = setInterval(show, 1000);
    }

    disconnectedCallback() {
      clearInterval(this.timer);
    }
  },
);
