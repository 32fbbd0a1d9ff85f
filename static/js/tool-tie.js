// <tool-tie data-call> in a card that waits for its result, <tool-tie data-result> in a result whose call is on another
// page: when a page that loads brings the other end, the card is filled and both name each other.
{
  const isNewestFirst = new URLSearchParams(location.search).get("order") === "desc";
  const waiting = (end) => [...document.querySelectorAll(`.thread tool-tie[data-${end}]`)];
  const comesBefore = (one, other) =>
    isNewestFirst !== Boolean(one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);

  const nameOf = (tie) => {
    const message = tie.closest("article");
    const { href } = message.querySelector(".message__link a") ?? {};
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

  const join = (call, result) => {
    const card = call.closest(".call");
    const answer = result.closest(".result");
    const isError = answer.classList.contains("result--error");
    const label = document.createElement("p");
    label.className = `call__label${isError ? " call__label--bad" : ""}`;
    label.append(
      ...sentence(call.dataset.resultIn, nameOf(result)),
      answer.querySelector("copy-content")?.cloneNode(true) ?? "",
    );
    call.replaceChildren(label, answer.querySelector(".source").cloneNode(true));
    call.removeAttribute("data-call");
    htmx.process(call);
    const chip = card.querySelector("[data-tie]");
    chip.textContent = isError ? chip.dataset.error : chip.dataset.result;
    chip.className = `chip${
      isError ? " chip--bad" : answer.querySelector("summary > .icon-check") ? " chip--good" : ""
    }`;
    chip.removeAttribute("data-at-the-end");
    card.classList.toggle("call--error", isError);
    answer.querySelector(".call__name").textContent = card.querySelector(".call__name").textContent;
    const note = answer.querySelector("[data-tie]");
    note.textContent = note.dataset.inCall;
    result.replaceChildren(...sentence(result.dataset.toCall, nameOf(call)));
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
          join(nearest, this);
          // It has just come, so nobody reads it yet: like every result whose call is at hand, it is read in the card.
          // An error stays open here: opening the card would move what is being read.
          if (!this.closest(".result--error, [aria-current]")) this.closest(".result").open = false;
        } else if (call !== undefined) {
          const results = waiting("result").filter((one) => one.dataset.result === call && comesBefore(this, one));
          const nearest = results.at(isNewestFirst ? -1 : 0);
          if (nearest) join(this, nearest);
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
