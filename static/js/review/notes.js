// What colleagues say is shown and written in place. Every link and form here also works as a page of its own.
{
  const LINKS = "a[data-review], .note-form a[data-cancel], a.message__raw[href$='/note/']";
  const BOXES = "[data-notes], [data-marks], [data-verdict]";

  // What had the focus before a form was opened.
  let opener;

  const articleOf = (place) =>
    place?.matches("[data-shows]")
      ? document.querySelector(`article[data-message-id="${CSS.escape(place.dataset.shows)}"]`)
      : place?.closest("article");

  // Where what a link leads to is shown: of the notes of a message it is below that, of the conversation at the top.
  const boxOf = (link) => {
    const own = link.closest(BOXES);
    if (own) return own;
    const before = articleOf(lectern.placeAt(link)) ?? link.closest(".review-line");
    const after = before?.nextElementSibling;
    if (!before || after?.matches("[data-notes]")) return before && after;
    const box = Object.assign(document.createElement("aside"), { className: "notes", hidden: true });
    before.after(box);
    return box;
  };

  const open = (box, address) => {
    const field = box.querySelector("textarea");
    // What is being written is not thrown away.
    if (field && field.value !== field.defaultValue) return field.focus();
    const line = box.closest(".review-line");
    // The labels are at the top of the page: their form floats over what is read further down.
    line?.classList.toggle("review-line--away", line.getBoundingClientRect().bottom < lectern.headLine());
    if (!line) document.querySelector("reading-place")?.keep(box.previousElementSibling?.closest("article"));
    opener = document.activeElement;
    htmx.ajax("GET", address, { source: box, target: box, swap: "outerHTML" });
  };

  const cancel = (box, address) => {
    const field = box.querySelector("textarea");
    if (field) field.value = field.defaultValue;
    const back = opener;
    open(box, `${address}?closed`);
    opener = back;
    if (box.matches("[data-notes]")) box.previousElementSibling?.closest("article")?.focus({ preventScroll: true });
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(LINKS);
    const box = link && lectern.isPlainClick(event) && boxOf(link);
    if (!box) return;
    event.preventDefault();
    if (link.dataset.cancel) cancel(box, link.dataset.cancel);
    else open(box, link.href);
  });

  const isInView = (one) => {
    const { top, bottom } = one.getBoundingClientRect();
    return bottom > lectern.headLine() && top < innerHeight;
  };

  // The focus goes back to where it was, if that is still in view, and the page stays.
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    if (!target.matches?.("[data-marks], [data-verdict]") || target.querySelector("form")) return;
    const isBack = opener?.isConnected && opener !== document.body && isInView(opener);
    const back = isBack ? opener : target.querySelector("[data-review]");
    back.focus({ preventScroll: true });
  });

  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.(".note-form");
    if (!form || event.defaultPrevented || event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    const isWritten = event.target.matches("textarea") && event.target.value !== event.target.defaultValue;
    if (event.key === "Escape" && !isWritten) {
      form.querySelector("[data-cancel]")?.click();
    }
  });

  const focusedPlace = () => lectern.placeAt(document.activeElement);
  const press = (...selectors) => selectors.map((one) => document.querySelector(one)).find(Boolean)?.click();

  // Of the message that holds the focus, else of the one being read.
  lectern.keys.m = () => {
    const place = focusedPlace() ?? document.querySelector("reading-place")?.lineBeingRead();
    const link = place && lectern.headOf(place)?.querySelector("a[href$='/note/']");
    if (link) link.click();
    else press(".review-line > [data-review]");
  };
  lectern.keys.l = () => press("[data-marks] > [data-review]");
  lectern.keys.a = () => {
    const link = document.querySelector("[data-marks] > [data-review]");
    if (link) open(boxOf(link), `${link.href}?assignee`);
  };
  // Of the answer that holds the focus, else of the first; where none is on the page, this leads to it.
  lectern.keys.x = () =>
    press(
      "article:focus + [data-verdict] > [data-review]",
      "article:focus + [data-notes] + [data-verdict] > [data-review]",
      "[data-verdict] > [data-review]",
      ".go [data-to=last]",
    );
}
