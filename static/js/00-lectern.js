// What several scripts share. It is first in its bundle, as its name is first in the alphabet.
{
  const toast = document.querySelector(".toast");
  let timer;

  const say = (words) => {
    toast.textContent = words;
    clearTimeout(timer);
    timer = setTimeout(() => (toast.textContent = ""), 2500);
  };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // The clipboard is closed to pages on plain http; the old command still works there.
      const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
      const focused = document.activeElement;
      field.className = "visually-hidden";
      field.style.whiteSpace = "pre"; // or the text would lose its indents
      document.body.append(field);
      field.select();
      const copied = document.execCommand("copy");
      field.remove();
      focused?.focus({ preventScroll: true });
      return copied;
    }
  };

  globalThis.lectern = {
    copy,
    say,

    // In the reader's language: what more than one script says. All other words stand on the element that they belong
    // to.
    words: toast.dataset,

    // With a modifier a click is the browser's own: another tab, a download.
    isPlainClick: (event) => !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey),

    // As htmx asks; without an answer it is not `ok`.
    fragment: (address) => lectern.fetch(address, { headers: { "HX-Request": "true" } }).catch(() => ({})),

    hasSingleKeys: () => !/(^|; )keys=off/.test(document.cookie),

    // Where the bars at the top of the window end.
    headLine: () => parseFloat(getComputedStyle(document.documentElement).scrollPaddingBlockStart),

    // What shows a message: the message itself, or if that takes no room, its results in the cards of their calls.
    placeAt: (element) => element.closest?.("[data-shows]:not([data-shows='']), reading-place article"),
    placesOf: (message) => (message.matches(".message--in-card") ? lectern.resultsOf(message) : [message]),
    resultsOf: ({ dataset: { messageId } }) =>
      messageId ? [...document.querySelectorAll(`[data-shows="${CSS.escape(messageId)}"]:not([data-duplicate])`)] : [],

    headOf: (place) => place.querySelector(":scope > .message__head"),
    linkOf: (place) => lectern.headOf(place)?.querySelector(".message__link a"),

    // "#12", or the name of an answer; empty for a message without a link.
    numberOn: (place) => lectern.headOf(place)?.querySelector(".message__number")?.textContent.trim() ?? "",

    openFolds: (place) => {
      for (let fold = place.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    },
  };
}
