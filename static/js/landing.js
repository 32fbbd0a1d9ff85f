// Where the focus goes when the keyboard leads to a list: after a filter was taken off to the chip beside it, on the way
// back to the row one comes from, else to the first row.
{
  const LEADING =
    ".list-filters a:not([hx-get]), .list-filters button, .facets a, filter-choices li a, .choices__dates button, " +
    "back-link a, [data-unsee]";
  const find = (selector) => document.querySelector(selector);
  const chips = [...document.querySelectorAll(".list-filters .filter-chip a")];

  addEventListener("click", (event) => {
    const link = event.target.closest?.(LEADING);
    if (!link || event.detail || !lectern.isPlainClick(event)) return; // `detail` counts clicks of a mouse
    sessionStorage.landing = find("list-place")?.dataset.current ?? chips.indexOf(link);
  });

  addEventListener("pageshow", ({ persisted }) => persisted && delete sessionStorage.landing);

  const opener = find(".list-filters a[hx-get]");
  const { landing } = sessionStorage;
  if (opener && landing) {
    delete sessionStorage.landing;
    const row = find(`main [data-completion-id="${CSS.escape(landing)}"] .row__title`);
    const next = row ?? (landing >= 0 ? chips[Math.min(landing, chips.length - 1)] : find("main .row__title")) ??
      opener;
    next.focus({ preventScroll: !row });
  }
}
