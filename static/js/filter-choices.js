// <filter-choices>: the panel of "Add filter" opens and closes with its link, and Escape closes it.
customElements.define(
  "filter-choices",
  class extends HTMLElement {
    connectedCallback() {
      const opener = this.parentElement.querySelector("[hx-target='#filter-choices']");
      const close = () => {
        this.replaceChildren();
        opener.focus();
      };
      this.addEventListener("keydown", ({ key }) => key === "Escape" && close());
      this.addEventListener("click", (event) => {
        if (!event.target.closest("[data-close]")) return;
        event.preventDefault();
        close();
      });
      opener.addEventListener("htmx:beforeRequest", (event) => {
        if (!this.firstElementChild) return;
        event.preventDefault();
        close();
      });
    }
  },
);
