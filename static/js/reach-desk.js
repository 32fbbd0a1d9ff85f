// The tools of the desk (finding, taking along, selecting, the large picture, the card of a source, the help sheet) are a
// second script. It is fetched when the reader reaches for what is marked `data-desk`, for a picture or for a chip. A
// click that comes before the script waits for it; when the script does not come, the click does what it does without
// JavaScript.
{
  const TOOLS = "[data-desk], .picture > a:has(img), .bubble a.chip-citation";
  const { desk } = document.currentScript.dataset;
  let coming;
  let isThere = false;

  const fetchDesk = () =>
    (coming ??= new Promise((settled) => {
      const script = Object.assign(document.createElement("script"), { src: desk });
      script.onload = script.onerror = () => settled((isThere = true));
      document.head.append(script);
    }));

  for (const act of ["pointerover", "pointerdown", "focusin"]) {
    document.addEventListener(act, ({ target }) => target.closest?.(TOOLS) && fetchDesk(), { passive: true });
  }
  addEventListener(
    "click",
    (event) => {
      if (isThere || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      const tool = event.target.closest?.(TOOLS) && event.target.closest("a, button, summary");
      if (!tool) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      tool.setAttribute("aria-busy", "true"); // single keys wait as well
      fetchDesk().then(() => {
        tool.removeAttribute("aria-busy");
        tool.click();
      });
    },
    true,
  );
  if (new URLSearchParams(location.search).has("find") || sessionStorage.selected) fetchDesk();
}
