// A key that leads to a list puts the focus on the row one comes from, on the chip beside one that was taken off, else on
// the first row.
{
  const find = (selector) => document.querySelector(selector);
  const chips = [...document.querySelectorAll(".list-filters .filter-chip a")];

  addEventListener("click", (event) => {
    const link = event.target.closest?.(".list-head a, .list-head button, back-link a, [data-unsee]");
    if (!link || event.defaultPrevented || event.detail) return; // `detail` counts clicks of a mouse
    sessionStorage.landing = find("list-place")?.dataset.current ?? chips.indexOf(link);
  });

  const { landing } = sessionStorage;
  if (landing && find(".list-head")) {
    delete sessionStorage.landing;
    const row = find(`main [data-completion-id="${CSS.escape(landing)}"] .row__title`);
    const next = landing < 0 ? find("main .row__title") : chips[landing] ?? chips.at(-1);
    (row ?? next ?? find(".list-head [hx-get]")).focus();
  }
}
