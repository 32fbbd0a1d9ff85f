// A fragment that does not come, or is no answer of ours (a proxy's 502, a page of Django's own), is not swapped in:
// what is on the page stays. Its link then asks again in its place, and so does the end of being offline, which is told
// in a bar.
{
  const bar = document.querySelector(".offline");
  const failed = new Set();

  const fail = ({ detail: { elt, xhr } }) => {
    failed.add(elt);
    if (!elt.matches(".more")) return xhr.status === 401 || lectern.say(lectern.words.noAnswer);
    elt.dataset.stopped = "failed";
    Object.assign(elt.querySelector("a"), { textContent: bar.dataset.again, hidden: false });
  };
  const ask = (elt) => {
    failed.delete(elt);
    if (elt.isConnected) htmx.ajax("GET", elt.getAttribute("hx-get"), { source: elt });
  };
  const tell = () => (bar.textContent = navigator.onLine ? "" : bar.dataset.offline);

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (xhr.status < 400 || xhr.responseText.includes("data-problem=")) return;
    event.detail.shouldSwap = false;
    fail(event);
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, fail);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('[data-stopped="failed"] a');
    if (!link || !lectern.isPlainClick(event)) return;
    event.preventDefault();
    ask(link.closest("[data-stopped]"));
  });
  addEventListener("offline", tell);
  addEventListener("online", () => {
    tell();
    failed.forEach(ask);
  });
  tell();
}
