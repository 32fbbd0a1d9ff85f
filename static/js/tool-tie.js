// <tool-tie data-call> in a card that waits for its result, <tool-tie data-result> in a result whose call is on another
// page: when a page that loads brings the other end, the card is filled and both name each other.
{
  const isNewestFirst = new URLSearchParams(location.search).get("order") === "desc";
  const waiting = (end) => [...document.querySelectorAll(`.thread tool-tie[data-${end}]`)];
  const comesBefore = (one, other) =>
    isNewestFirst !== Boolean(one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);

  const nameOf = (tie) => {
    const message = tie.closest("article");
    const { href } = lectern.linkOf(message) ?? {};
    const number = lectern.numberOn(message);
    return Object.assign(document.createElement(href ? "a" : "span"), {
      ...(href && { href }),
      textContent: number.startsWith("#") ? number : tie.dataset.itsMessage,
    });
  };

  // The words of a sentence with {message} in its place.
  const sentence = (words, message) => {
    const [before, after] = words.split("{message}");
    return [before, message, after];
  };

  // A result as a card shows it, with the head of its message (templates/rendering/parts/_result_in_card.html).
  const inCard = (row, title) => {
    const message = row.closest("article");
    const section = document.createElement("section");
    const head = lectern.headOf(message).cloneNode(true);
    head.autofocus = false;
    for (const tool of head.querySelectorAll(".message__dot, .message__tools, .message__pick")) tool.remove();
    head.querySelector("h3").replaceWith(Object.assign(document.createElement("h4"), { textContent: title }));
    for (const fact of row.querySelector(".call__label").cloneNode(true).children) {
      if (!fact.matches("tool-tie")) head.append(fact.cloneNode(true));
    }
    section.className = `call__result${"failed" in row.dataset ? " call__result--error" : ""}`;
    section.dataset.shows = message.dataset.messageId;
    section.dataset.index = row.dataset.index;
    section.append(head, row.querySelector(".source").cloneNode(true));
    return section;
  };

  // The card has all of the result, so its row goes, and its message too if it has nothing else.
  const fold = (row, section) => {
    const message = row.closest("article");
    section.dataset.part = row.dataset.part;
    row.remove();
    if (message.children.length > 1) return;
    message.replaceChildren();
    message.className = "message message--in-card";
  };

  // `stays` says that the result may be being read where it is: then the card gets a copy.
  const join = (call, result, stays) => {
    const card = call.closest(".call");
    const row = result.closest(".result");
    const isError = "failed" in row.dataset;
    const section = inCard(row, call.dataset.title);
    const chip = card.querySelector("[data-tie]");
    chip.textContent = isError ? chip.dataset.error : chip.dataset.result;
    chip.className = `chip${isError ? " chip--bad" : row.querySelector("summary > .icon-check") ? " chip--good" : ""}`;
    chip.removeAttribute("data-at-the-end");
    const { textContent: number } = nameOf(result);
    if (number.startsWith("#")) card.querySelector(".call__number").textContent = number;
    card.classList.toggle("call--error", isError);
    const caller = nameOf(call);
    call.replaceWith(section);
    htmx.process(section);
    if (!stays) return fold(row, section);
    section.dataset.duplicate = "";
    row.querySelector(".call__name").textContent = card.querySelector(".call__name").textContent;
    const note = row.querySelector("[data-tie]");
    note.textContent = note.dataset.inCall;
    result.replaceChildren(...sentence(result.dataset.toCall, caller));
    result.removeAttribute("data-result");
  };

  customElements.define(
    "tool-tie",
    class extends HTMLElement {
      connectedCallback() {
        const { call, result } = this.dataset;
        if (result !== undefined) {
          const calls = waiting("call").filter((one) => one.dataset.call === result && comesBefore(one, this));
          const nearest = calls.at(isNewestFirst ? 0 : -1);
          if (!nearest) return;
          // It has just come, so nobody reads it yet. An error stays in sight: opening the card would move what is read.
          join(nearest, this, this.closest("[data-failed], [aria-current]"));
        } else if (call !== undefined) {
          const results = waiting("result").filter((one) => one.dataset.result === call && comesBefore(this, one));
          const nearest = results.at(isNewestFirst ? -1 : 0);
          if (nearest) join(this, nearest, true);
        }
      }
    },
  );

  document.addEventListener("htmx:afterSwap", () => {
    for (const [end, direction] of [["call", "later"], ["result", "earlier"]]) {
      if (document.querySelector(`.thread [data-more="${direction}"]`)) continue;
      for (const tie of waiting(end)) {
        for (const told of tie.closest("details").querySelectorAll("[data-at-the-end]")) {
          told.textContent = told.dataset.atTheEnd;
        }
      }
    }
  });
}
