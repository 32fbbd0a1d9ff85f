// The address follows the reader, who has moved and come to rest: it becomes the permalink of the message being read,
// so that a reload, or going away and back, finds the same line. Where a message has none, the one before it counts.
// While words are looked for, it stays that of the hit.
{
  const follow = () => {
    document.querySelector("main list-place")?.remember();
    const place = document.querySelector("reading-place");
    if (!place?.hasMoved || new URLSearchParams(location.search).has("find")) return;
    const line = place.lineBeingRead();
    const shown = place.shown();
    const before = shown.slice(0, shown.indexOf(line) + 1);
    const read = line && place.addressOf(line) ? line : before.findLast((message) => place.addressOf(message));
    if (!read) return;
    const isAtStart = scrollY === 0 && !place.querySelector(".more--above");
    const reading = { id: place.placeOf(read), top: read.getBoundingClientRect().top };
    history.replaceState({ ...history.state, reading }, "", isAtStart ? place.dataset.start : place.addressOf(read));
    for (const field of document.querySelectorAll("input[name=next]")) {
      field.value = location.pathname + location.search;
    }
  };

  let rest;
  addEventListener(
    "scroll",
    () => {
      clearTimeout(rest);
      rest = setTimeout(follow, 200);
    },
    { passive: true },
  );
}
