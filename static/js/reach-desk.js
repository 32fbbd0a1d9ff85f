// The tools of the desk (finding, taking along, selecting, pictures, the card of a source, the help sheet) are a second
// script. It is fetched when the reader reaches for what is marked `data-desk`, for a picture or for a chip. A
// click that comes before the script waits for it; when the script does not come, the click does what it does without
// JavaScript. When the whole site is unreachable it does nothing but say so: following the link would put the browser's
// error page in the place of what is being read.
{
  const TOOLS = "[data-desk], .picture > a:has(img), load-image a, .bubble a.chip-citation";
  const { desk } = document.currentScript.dataset;
  let coming;
  // Or is known not to come: clicks are not held any longer.
  let isThere = false;

  const isReachable = () => fetch("/health/", { method: "HEAD" }).then(({ ok }) => ok, () => false);

  const fetchDesk = () => (coming ??= new Promise((settled) => {
    const script = Object.assign(document.createElement("script"), { src: desk });
    script.onload = () => settled(isThere = true);
    script.onerror = async () => {
      isThere = await isReachable();
      // The next click tries again.
      if (!isThere) coming = null;
      settled();
    };
    document.head.append(script);
  }));

  for (const act of ["pointerover", "pointerdown", "focusin"]) {
    document.addEventListener(act, ({ target }) => target.closest?.(TOOLS) && fetchDesk(), { passive: true });
  }
  addEventListener(
    "click",
    (event) => {
      if (isThere || !lectern.isPlainClick(event)) return;
      const tool = event.target.closest?.(TOOLS) && event.target.closest("a, button, summary");
      if (!tool) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      // Single keys wait as well.
      tool.setAttribute("aria-busy", "true");
      fetchDesk().then(() => {
        tool.removeAttribute("aria-busy");
        if (isThere) tool.click();
        else lectern.say(lectern.words.noAnswer);
      });
    },
    true,
  );
  if (new URLSearchParams(location.search).has("find") || sessionStorage.selected) fetchDesk();
}
