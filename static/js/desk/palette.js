// The link to the palette, or Ctrl or Cmd+K, opens it over the page. The arrows move between its links; Enter in its field
// follows the first one.
{
  const openPalette = async (address) => {
    const answer = await lectern.fetch(address, { headers: { "HX-Request": "true" } }).catch(() => ({}));
    if (answer.status === 401) return; // the bar says why
    if (!answer.ok) return lectern.say(lectern.words.noAnswer);
    const dialog = Object.assign(document.createElement("dialog"), { className: "sheet palette" });
    dialog.innerHTML = await answer.text();
    dialog.setAttribute("aria-label", dialog.querySelector("label").textContent);
    dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close()); // beside it
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("keydown", move);
    document.body.append(dialog);
    htmx.process(dialog);
    dialog.showModal();
  };

  const move = (event) => {
    const dialog = event.currentTarget;
    const field = dialog.querySelector("input");
    const stops = [field, ...dialog.querySelectorAll("a")];
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) {
      event.preventDefault();
      const next = stops.indexOf(document.activeElement) + by;
      stops.at(next % stops.length).focus();
    } else if (event.key === "Enter" && event.target === field && !event.isComposing) {
      event.preventDefault();
      follow(dialog, field.value.trim());
    }
  };

  // The list may be of what stood in the field before: then the same text is asked for once more.
  const follow = async (dialog, text) => {
    const address = new URL(dialog.querySelector("form").action);
    address.searchParams.set("text", text);
    const answer = await lectern.fetch(address, { headers: { "HX-Request": "true" } }).catch(() => ({}));
    if (!answer.ok) return lectern.say(lectern.words.noAnswer);
    dialog.querySelector(".palette__items").innerHTML = await answer.text();
    dialog.querySelector("a")?.click();
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-palette]");
    if (!link || !lectern.isPlainClick(event)) return;
    event.preventDefault();
    link.closest("details").open = false;
    if (!document.querySelector("dialog[open]")) openPalette(link.href);
  });
}
