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
      // Enter takes the first choice; those shown may be of an earlier text.
      this.addEventListener("submit", async (event) => {
        const form = event.target;
        if (!form.matches("[role=search]")) return;
        event.preventDefault();
        const { text } = form.elements;
        if (!text.value.trim()) return text.focus();
        const answer = await lectern.fragment(`${form.action}?${new URLSearchParams(new FormData(form))}`);
        if (!answer.ok) return lectern.say(lectern.words.noAnswer);
        const groups = this.querySelector("#choice-groups") ?? {};
        groups.innerHTML = await answer.text();
        this.querySelector("#choice-groups a")?.click();
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
