// Single keys, as the help sheet (templates/shortcuts.html) lists them. None acts in a field, in a dialog, while a word
// is composed, with Ctrl, Alt or Meta, or when they are switched off.
{
  const ITEMS = "reading-place article:not(.message--in-card), main li.row .row__title, main .found__hit, " +
    "main .found:not(:has(.found__hit)) .row__title, .suggestions a";
  const ROWS = "li .row__title, .found__line a, .history a";
  const TOOLS = "details[data-part^=tool]";
  const AWAY =
    "input, textarea, select, dialog, [role=dialog], [aria-busy=true], [contenteditable]:not([contenteditable=false])";
  let reached; // the one message that Tab comes to
  let awaited; // a step that goes on when more has come
  let last = {};

  const thread = () => document.querySelector("reading-place");
  const press = (selector) => document.querySelector(selector)?.click();
  const top = (one) => one.getBoundingClientRect().top;
  const isInView = (one) => top(one) < innerHeight && one.getBoundingClientRect().bottom > 0;

  // The message or row that holds the focus; one that was scrolled away is no longer meant.
  const chosen = () => {
    const item = document.activeElement.closest(ITEMS);
    return item && isInView(item) ? item : null;
  };

  const land = (item) => {
    if (!item) return;
    if (item.matches("article")) {
      if (reached) reached.tabIndex = -1;
      reached = item;
      item.tabIndex = 0;
    }
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: item.matches("article") ? "start" : "nearest" });
    thread()?.keep(item);
  };

  const step = (by) => {
    const items = [...document.querySelectorAll(ITEMS)];
    const from = chosen();
    const edge = lectern.headLine();
    const nearest =
      () => (by > 0 ? items.find((item) => top(item) > edge + 4) : items.findLast((item) => top(item) < edge - 4));
    const next = from ? items[items.indexOf(from) + by] : nearest();
    if (next) return land(next);
    const more = document.querySelector(by > 0 ? "main .more--below" : "main .more--above");
    if (more?.matches("[data-stopped]")) more.querySelector("a").focus();
    else if (more) awaited = { by, focus: document.activeElement };
  };

  // Where the end is not on the page, a link of the page leads there.
  const end = (side, way, item) => (document.querySelector(`main .more--${side}`) && thread() ? way() : land(item));
  const isNewestFirst = () => thread().dataset.start.includes("?");

  const toggleTools = () => {
    const line = chosen() ?? thread()?.lineBeingRead();
    const tools = [...(chosen() ?? thread())?.querySelectorAll(TOOLS) ?? []];
    const isClosed = tools.some((one) => !one.open);
    for (const one of tools) one.open = isClosed;
    thread()?.keep(line);
  };

  const openPermalink = (place) => {
    const link = lectern.linkOf(place);
    if (link) location.assign(link.href);
  };

  // What a row leads to, without the words that are marked there: the address to send somebody.
  const copyLinkOf = async (row) => {
    if (!row.href) return lectern.say(row.closest("li").querySelector("[data-no-link]").textContent);
    const address = row.origin + row.pathname;
    if (await lectern.copy(address)) lectern.say(lectern.words.copied);
    else location.assign(address);
  };

  // Of the row or message that holds the focus, else of the ringed message in view, else of the one being read; never
  // of another.
  const copyLink = () => {
    const row = document.activeElement.closest(ROWS);
    if (row && isInView(row)) return copyLinkOf(row);
    const { ringed } = thread() ?? {};
    const focused = chosen() && lectern.placeAt(document.activeElement);
    const message = focused ?? (ringed && isInView(ringed) ? ringed : thread()?.lineBeingRead());
    const link = message && lectern.linkOf(message);
    if (link) link.click();
    else if (message) lectern.say(message.querySelector("[data-no-link]")?.textContent ?? "");
    else if (thread()) press(".conversation-head copy-link a");
    else lectern.say(document.querySelector("main").dataset.noRow ?? "");
  };

  const search = () => {
    const box = document.querySelector("#search-box");
    box?.focus();
    box?.select();
  };

  const close = () => {
    const menu = document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if (document.querySelector("filter-choices [data-close]")) press("filter-choices [data-close]");
    else if (document.querySelector(".find:not([hidden])")) press("find-bar [data-close]");
    else chosen()?.blur();
  };

  // Other bundles add theirs.
  const act = lectern.keys = {
    j: () => step(1),
    k: () => step(-1),
    J: () => press("main a[rel=next]"),
    K: () => press("main a[rel=prev]"),
    n: () => press("main a[rel=next]"),
    p: () => press("main a[rel=prev]"),
    N: () => press("main [data-next-unseen], main .row--new .row__title"),
    U: () => press("[data-unsee]"),
    ",": () => press("[data-of-customer=earlier]"),
    ".": () => press("[data-of-customer=later]"),
    u: () => press("back-link a"),
    c: copyLink,
    e: toggleTools,
    v: () => press("[name=audience]:not([aria-current])"),
    "/": search,
    "?": () => press("[data-shortcuts]"),
    g: (isTwice) =>
      isTwice && end("above", () => location.assign(thread().dataset.start), document.querySelector(ITEMS)),
    G: () =>
      end(
        "below",
        () => press(`.go [data-to="${isNewestFirst() ? "first" : "last"}"]`),
        [...document.querySelectorAll(ITEMS)].at(-1),
      ),
  };

  addEventListener("keydown", (event) => {
    const { key, target, timeStamp } = event;
    if (key === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
      event.preventDefault();
      return press("[data-palette]");
    }
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (target.closest?.(AWAY) || document.querySelector("dialog[open], :popover-open")) return;
    awaited = null;
    if (key === "Escape") return close();
    if (key === "Enter" && target.matches("article, .message__head")) return openPermalink(lectern.placeAt(target));
    if (!act[key] || !lectern.hasSingleKeys() || (event.repeat && !"jk".includes(key))) return;
    event.preventDefault();
    act[key](last.key === key && timeStamp - last.timeStamp < 1000);
    last = event;
  });

  document.addEventListener("htmx:afterSettle", () => {
    if (!awaited) return;
    const { by, focus } = awaited;
    awaited = null;
    if (document.activeElement === focus) step(by);
  });
}
