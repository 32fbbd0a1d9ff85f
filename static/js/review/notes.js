// What colleagues say is shown and written in place. Every link and form here also works as a page of its own.
{
  const LINKS = "a[data-review], [data-notes] a[data-cancel], a.message__raw[href$='/note/']";

  const articleOf = (place) =>
    place?.matches("[data-shows]")
      ? document.querySelector(`article[data-message-id="${CSS.escape(place.dataset.shows)}"]`)
      : place?.closest("article");

  // Where the notes of a message go: below it, or at the top those of the conversation.
  const besideOf = (link) => {
    const own = link.closest("[data-notes]");
    if (own) return own;
    const article = articleOf(lectern.placeAt(link));
    if (!article) return document.querySelector(".thread-column > [data-notes]");
    if (article.nextElementSibling?.matches("[data-notes]")) return article.nextElementSibling;
    const beside = Object.assign(document.createElement("aside"), { className: "notes", hidden: true });
    beside.dataset.notes = "";
    article.after(beside);
    return beside;
  };

  const open = (beside, address) => {
    const field = beside.querySelector("textarea");
    // What is being written is not thrown away.
    if (field && field.value !== field.defaultValue) return field.focus();
    const thread = document.querySelector("reading-place");
    const line = beside.previousElementSibling?.closest("article") ?? thread?.lineBeingRead();
    thread?.keep(line);
    htmx.ajax("GET", address, { source: beside, target: beside, swap: "outerHTML" });
  };

  const cancel = (beside, address) => {
    const field = beside.querySelector("textarea");
    if (field) field.value = field.defaultValue;
    open(beside, `${address}?closed`);
    beside.previousElementSibling?.closest("article")?.focus({ preventScroll: true });
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(LINKS);
    if (!link || !lectern.isPlainClick(event)) return;
    const beside = besideOf(link);
    if (!beside) return;
    event.preventDefault();
    if (link.dataset.cancel) cancel(beside, link.dataset.cancel);
    else open(beside, link.href);
  });

  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.(".note-form");
    if (!form || event.defaultPrevented || event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    if (event.key === "Escape" && event.target.value === event.target.defaultValue) {
      form.querySelector("[data-cancel]").click();
    }
  });

  // Of the message that holds the focus, else of the one being read.
  lectern.keys.m = () => {
    const place = lectern.placeAt(document.activeElement) ?? document.querySelector("reading-place")?.lineBeingRead();
    const link = place && lectern.headOf(place)?.querySelector("a[href$='/note/']");
    (link ?? document.querySelector(".review-line [data-review]"))?.click();
  };

  const openMarks = (address) => {
    const marks = document.querySelector("[data-marks]");
    const link = marks?.querySelector("[data-mark]");
    if (link) htmx.ajax("GET", link.href + address, { source: marks, target: marks, swap: "outerHTML" });
  };
  lectern.keys.l = () => openMarks("");
  // Of the answer that holds the focus, else of the first; where none is on the page, this leads to it.
  lectern.keys.x = () => {
    const near = lectern.placeAt(document.activeElement)?.closest("article")?.parentElement;
    const own = [...near?.querySelectorAll("article:focus ~ [data-verdict] [data-judge]") ?? []];
    (own[0] ?? document.querySelector("[data-judge], .go [data-to=last]"))?.click();
  };
  lectern.keys.a = () => openMarks("?assignee");
}
