// A link to the page of the keys opens it as a sheet over this page.
{
  let sheet;

  const fetchSheet = async (address) => {
    const answer = await lectern.fetch(address).catch(() => ({}));
    if (answer.status === 401) return; // the bar says why
    if (!answer.ok) return lectern.say(lectern.words.noAnswer);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    sheet = Object.assign(document.createElement("dialog"), { className: "sheet" });
    sheet.append(
      ...page.querySelector("main").childNodes,
      document.querySelector("[data-sheet-close]").content.cloneNode(true),
    );
    sheet.setAttribute("aria-label", sheet.querySelector("h1").textContent);
    sheet.addEventListener("click", ({ target }) => target === sheet && sheet.close()); // beside it
    document.body.append(sheet);
  };

  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("[data-shortcuts]");
    if (!link || link.pathname === location.pathname || !lectern.isPlainClick(event)) return;
    event.preventDefault();
    link.closest("details").open = false;
    if (!sheet) await fetchSheet(link.href);
    if (!sheet || sheet.open) return;
    sheet.showModal();
    sheet.querySelector("form button").focus();
  });
}
