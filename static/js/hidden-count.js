// <hidden-count><b>: in the customer's view, counts the messages hidden on the page, also in what is loaded by
// scrolling.
customElements.define(
  "hidden-count",
  class extends HTMLElement {
    connectedCallback() {
      document.addEventListener("htmx:afterSettle", () => {
        const hidden = [...document.querySelectorAll("[data-hidden]")].map((note) => Number(note.dataset.hidden));
        this.querySelector("b").textContent = hidden.reduce((sum, count) => sum + count, 0);
      });
    }
  },
);
