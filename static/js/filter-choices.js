// <filter-choices>: the panel of "Add filter" opens and closes with its link, and Escape closes it.
customElements.define(
  "filter-choices",
  class extends HTMLElement {
    connectedCallback() {
      const opener = this.parentElement.querySelector("[hx-target='#filter-choices']");
      const tell = () => opener.setAttribute("aria-expanded", !!this.firstElementChild);
      const close = () => {
        this.replaceChildren();
        tell();
        opener.focus();
      };
      this.addEventListener("keydown", ({ key }) => key === "Escape" && close());
      this.addEventListener("click", (event) => {
        if (!event.target.closest("[data-close]")) return;
        event.preventDefault();
        close();
      });
      // Enter takes the first choice.
      this.addEventListener("submit", (event) => {
        const first = event.target.matches("[role=search]") && this.querySelector("#choice-groups a");
        if (!first) return;
        event.preventDefault();
        first.click();
      });
      this.addEventListener("htmx:afterSettle", tell);
      tell();
      opener.addEventListener("htmx:beforeRequest", (event) => {
        if (!this.firstElementChild) return;
        event.preventDefault();
        close();
      });
    }
  },
);
