// A click on a citation chip shows a card with the source's title, host and link. Without JavaScript the chip itself is
// the link. One card serves the whole page; it is a popover, so Escape and a click elsewhere close it.
{
  let card;
  const makeCard = () => {
    card = document.createElement("div");
    card.className = "citation-card";
    card.popover = "auto";
    card.setAttribute("role", "dialog");
    document.body.append(card);
  };

  document.addEventListener("click", (event) => {
    const chip = event.target.closest?.(".bubble a.chip-citation");
    if (!chip || !("popover" in HTMLElement.prototype) || !lectern.isPlainClick(event)) return;
    event.preventDefault();
    if (!card) makeCard();
    const link = document.createElement("a");
    const sources = chip.closest(".bubble").querySelector("[data-sources]");
    const entry = [...sources.querySelectorAll("a")].find((one) => one.href === chip.href);
    Object.assign(link, { href: chip.href, rel: chip.rel, target: "_blank", textContent: sources.dataset.open });
    const title = Object.assign(document.createElement("strong"), {
      textContent: entry?.querySelector(".sources__title")?.textContent ?? chip.getAttribute("aria-label"),
    });
    const host = Object.assign(document.createElement("span"), { textContent: new URL(chip.href).host });
    card.setAttribute("aria-label", sources.dataset.cited);
    card.replaceChildren(title, host, link);
    card.showPopover();
    const { left, bottom, top } = chip.getBoundingClientRect();
    const below = bottom + card.offsetHeight + 8 < innerHeight;
    card.style.insetBlockStart = `${below ? bottom + 6 : top - card.offsetHeight - 6}px`;
    card.style.left = `${Math.max(8, Math.min(left, innerWidth - card.offsetWidth - 8))}px`;
    link.focus({ preventScroll: true });
    card.addEventListener("toggle", (change) => change.newState === "closed" && chip.focus({ preventScroll: true }), {
      once: true,
    });
  });
}
