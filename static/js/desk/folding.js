// What counts as the same when words are looked for: the rule of viewer/completions/folding.py, with the same lists.
// deno-lint-ignore no-unused-vars -- find-bar.js and mark-words.js use it
const folding = {
  ignored: RegExp(
    `[${
      "300-36f 483-489 591-5bd 5bf 5c1 5c2 5c4 5c5 5c7 610-61a 64b-65f 670 6d6-6dc 6df-6e4 6e7 6e8 6ea-6ed 8ca-8ff 93c 951-954 9bc a3c abc b3c c3c cbc e48-e4b ec8-ecb 1ab0-1aff 1dc0-1dff 20d0-20ff fe20-fe2f 640 80-84 86-9f ad 61c 115f 1160 17b4 17b5 180b-180f 200b-200f 202a-202e 2060-206f fe00-fe0f feff fff9-fffb fffe ffff 13430-1343f 1bca0-1bca3 1d173-1d17a e0000-e01ef"
        .replace(/\w+/g, "\\u{$&}").replaceAll(" ", "")
    }]`,
    "gu",
  ),
  same: Object.fromEntries(
    Object.entries({
      "'": "‘’‚‛‹›ʹʼ´\u1ffd′׳❛❜",
      '"': "“”„‟«»″״❝❞",
      "-": "֊־᠆‐‑‒–—―−˗⁃⸗⸺⸻",
      "/": "⁄∕",
      "\u3099": "゛",
      "\u309a": "゜",
      ae: "æ",
      b: "ƀɓ",
      d: "đðɗ",
      h: "ħ",
      j: "ȷ",
      k: "ƙ",
      l: "ł",
      o: "ø",
      oe: "œ",
      t: "ŧ",
      th: "þ",
      y: "ƴ",
      z: "ƶ",
      σ: "ς",
      2: "ƻ",
    }).flatMap(([same, letters]) => [...letters].map((letter) => [letter, same])),
  ),
  known: new Map(),

  letter(letter) {
    if (!this.known.has(letter)) {
      const spread = (this.same[letter] ?? letter).normalize("NFKD").replace(this.ignored, "");
      // deno-lint-ignore no-control-regex -- control characters count as blanks
      const cased = spread.replace(/[\s\x00-\x1f\x7f\x85\u2400-\u2421]/g, " ").toLowerCase().toUpperCase()
        .toLowerCase();
      this.known.set(letter, [...cased].map((piece) => this.same[piece] ?? piece).join(""));
    }
    return this.known.get(letter);
  },

  fold(text) {
    return [...text].map((letter) => this.letter(letter)).join("");
  },

  pattern(words) {
    const breaks = "0085|2028|2029";
    const skipped = `[*\`]|\\[u\\+(?!${breaks})[0-9a-f]{4,6}\\]`;
    const blank = ` |\\[u\\+(?:${breaks})\\]`;
    const spelt = (word) =>
      [...word].map((letter, at) =>
        (!at ? "" : letter === "[" ? "[*`]*" : `(?:${skipped})*`) + letter.replace(/[$()*+.?[\\\]^{|}]/, "\\$&")
      );
    const needle = this.fold(words).replace(/[*`]/g, "").split(" ").filter(Boolean);
    return RegExp(
      needle.map((word) => spelt(word).join("")).join(`(?:${skipped})*(?:${blank})(?:${blank}|${skipped})*`) || "(?!)",
      "g",
    );
  },

  // Where words stand in folded text; not where a letter goes on behind them.
  matches(folded, pattern) {
    return [...folded.matchAll(pattern)].filter(({ 0: found, index }) => {
      const behind = folded[index + found.length] ?? "";
      return (found + behind).normalize().startsWith(found.normalize());
    });
  },
};
