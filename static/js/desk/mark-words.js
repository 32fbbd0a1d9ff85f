// Marks words in the messages under an element, and takes the marks of other words away. What counts as the same is
// what viewer/conversations/folding.py says.
function markWords(root, words) {
  // Labels and numbers, and what stands in a card a second time: hits are counted where their message is.
  const skipped = "summary > :not(.call__name), .result .call__name, .call .source ~ .source, .call__label, .refusal__label, .audio__head, .chip-citation, button, small, .sources :is(h4, b)";
  const fold = (text) =>
    text
      .replace(/[‘’]/g, "'")
      .replace(/[“”]/g, '"')
      .normalize("NFKD")
      .replace(/[*`\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670]/g, "")
      .toUpperCase()
      .toLowerCase()
      .replace(/ς/g, "σ")
      .replace(/\s+/g, " ");

  for (const mark of root.querySelectorAll("mark")) {
    const { parentNode } = mark;
    mark.replaceWith(...mark.childNodes);
    parentNode.normalize();
  }
  const needle = fold(words).trim();
  if (!needle) return;
  for (const region of root.querySelectorAll("[data-part], [data-sources], .message__head > bdi")) {
    const has = (text) => fold(text).includes(needle);
    const links = [...region.querySelectorAll("a[href]:not(.chip-citation)")].filter((link) => has(link.href) && !has(link.textContent));
    if (has(region.textContent)) markText(region);
    for (const link of links) {
      const place = link.querySelector(".sources__host") ?? link;
      const mark = document.createElement("mark");
      mark.append(...place.childNodes);
      place.append(mark);
    }
  }

  // A region is one run of text: words may begin in bold and end beyond it. The last place is wrapped first, so that
  // the others stay where they are.
  function markText(region) {
    const shown = document.createTreeWalker(region, NodeFilter.SHOW_TEXT, (text) => (text.parentElement.closest(skipped) ? 2 : 1));
    const places = []; // one for each letter of what is folded
    let folded = "";
    while (shown.nextNode()) {
      let at = 0;
      for (const letter of shown.currentNode.data) {
        const start = at;
        at += letter.length;
        const piece = folded.endsWith(" ") ? fold(letter).trimStart() : fold(letter);
        folded += piece;
        for (const _ of piece.split("")) places.push([shown.currentNode, start, at]);
      }
    }
    for (let at = folded.length; (at = folded.lastIndexOf(needle, at)) >= 0; at -= needle.length) {
      const pieces = new Map();
      for (const [node, start, end] of places.slice(at, at + needle.length)) pieces.set(node, [pieces.get(node)?.[0] ?? start, end]);
      for (const [node, [start, end]] of pieces) {
        const mark = document.createElement("mark");
        const text = node.splitText(start);
        text.splitText(end - start);
        text.replaceWith(mark);
        mark.append(text);
        mark.toggleAttribute("data-goes-on", node !== places[at][0]);
      }
      if (at < needle.length) break;
    }
  }
}
