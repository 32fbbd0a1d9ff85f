// The link to the palette, or Ctrl or Cmd+K, opens it over the page. The arrows move between what it offers; Enter in its
// field takes the first.
{
  // What the page itself can do, by the names that its buttons and links have.
  const COMMANDS =
    ".conversation-head copy-link a, take-along > details > summary, [name=audience]:not([aria-current]), " +
    "[name=texts]:not([aria-current]), main [data-next-unseen], [data-unsee], .list-filters summary, theme-switch button";
  let coming;

  const nameOf = (command) => command.getAttribute("aria-label") ?? command.textContent.trim();

  const addCommands = (dialog) => {
    const text = dialog.querySelector("input").value.trim().toLowerCase();
    const commands = [...document.querySelectorAll(COMMANDS)].filter((one) => nameOf(one).toLowerCase().includes(text));
    const section = dialog.querySelector("template").content.cloneNode(true).firstElementChild;
    for (const command of commands) {
      const item = section.querySelector("template").content.cloneNode(true);
      item.querySelector("span").textContent = nameOf(command);
      item.querySelector("button").onclick = () => {
        dialog.close();
        command.click();
      };
      section.querySelector("ul").append(item);
    }
    if (commands.length) dialog.querySelector(".palette__items").append(section);
  };

  const openPalette = async (address) => {
    const answer = await lectern.fragment(address);
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
    addCommands(dialog);
    dialog.addEventListener("htmx:afterSwap", () => addCommands(dialog));
    dialog.showModal();
  };

  const move = (event) => {
    const dialog = event.currentTarget;
    const field = dialog.querySelector("input");
    const stops = [field, ...dialog.querySelectorAll("a, ul button")];
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
    const answer = await lectern.fragment(address);
    if (!answer.ok) return lectern.say(lectern.words.noAnswer);
    dialog.querySelector(".palette__items").innerHTML = await answer.text();
    dialog.querySelector("a, ul button")?.click();
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-palette]");
    if (!link || !lectern.isPlainClick(event)) return;
    event.preventDefault();
    link.closest("details").open = false;
    if (coming || document.querySelector("dialog[open], main .palette")) return;
    coming = openPalette(link.href).finally(() => (coming = null));
  });
}
