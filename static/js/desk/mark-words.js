// Marks words in the messages under an element, and takes the marks of other words away. In the linked message it also
// marks what a second pattern matches; find does not count these.
// deno-lint-ignore no-unused-vars -- find-bar.js calls it
function markWords(root, words, also) {
  // Labels and numbers, and copies in a card: hits are counted where their message is.
  const skipped =
    "summary > :not(.call__name), .result .call__name, [data-duplicate], [data-shows] > header > :not(bdi, .call__id), .call__label, .refusal__label, .audio__head, .chip-citation, button, small, .sources :is(h4, b)";
  const shownIds = ".call__label > code"; // of calls, which are looked for
  const regions = "[data-part], [data-sources], article > .message__head > bdi";
  for (const mark of root.querySelectorAll("mark")) {
    const { parentNode } = mark;
    mark.replaceWith(...mark.childNodes);
    parentNode.normalize();
  }
  const pattern = folding.pattern(words);
  const alsoPattern = also && RegExp(also, "gsu");
  for (const region of [root, ...root.querySelectorAll(regions)]) {
    if (!region.matches(regions)) continue;
    const has = (text) => folding.matches(folding.fold(text), pattern).length > 0;
    const links = [...region.querySelectorAll("a[href]:not(.button)")].filter((link) =>
      !isSkipped(link, region) && has(link.href) && !has(link.textContent)
    );
    if (has(region.textContent)) markText(region, pattern);
    for (const link of links) {
      const place = link.querySelector(".sources__host") ?? link;
      const mark = document.createElement("mark");
      mark.append(...place.childNodes);
      place.append(mark);
    }
    if (also && region.closest("[aria-current]")) markText(region, alsoPattern, true);
  }

  // A result in a card is a region of its own, not of the call's.
  function isSkipped(element, region) {
    const result = element.closest("[data-shows]");
    return element.closest(skipped) || (result && result !== region);
  }

  // A region is one run of text: words may begin in bold and end beyond it. The last place is wrapped first, so that
  // the others stay where they are.
  function markText(region, pattern, isAlso = false) {
    const shown = document.createTreeWalker(
      region,
      NodeFilter.SHOW_TEXT,
      ({ parentElement: at }) => (isSkipped(at, region) && !at.matches(shownIds) ? 2 : 1),
    );
    const places = []; // one for each letter of what is folded; what is ignored belongs to the letter before it
    let folded = "";
    while (shown.nextNode()) {
      let at = 0;
      for (const letter of shown.currentNode.data) {
        const start = at;
        at += letter.length;
        const piece = folding.letter(letter);
        folded += piece;
        for (const _ of piece.split("")) places.push([shown.currentNode, start, at]);
        if (!piece && places.at(-1)?.[0] === shown.currentNode) places.at(-1)[2] = at;
      }
    }
    for (const { 0: found, index } of folding.matches(folded, pattern).reverse()) {
      const pieces = new Map();
      for (const [node, start, end] of places.slice(index, index + found.length)) {
        pieces.set(node, [pieces.get(node)?.[0] ?? start, end]);
      }
      for (const [node, [start, end]] of pieces) {
        if (node.parentElement.closest("mark")) continue;
        const mark = document.createElement("mark");
        const text = node.splitText(start);
        text.splitText(end - start);
        text.replaceWith(mark);
        mark.append(text);
        mark.toggleAttribute("data-also", isAlso);
        mark.toggleAttribute("data-goes-on", node !== places[index][0]);
      }
    }
  }
}
