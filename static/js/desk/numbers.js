// The number that the place of a message ends in, NaN where it ends in none. Answers are numbered from a billion: behind
// all messages.
// deno-lint-ignore no-unused-vars -- find-bar.js and select-messages.js call it
function numberOf(place) {
  const [, answer, number] = /^choices\/(\d+)$|-(\d+)$/.exec(place) ?? [];
  return answer ? 1e9 + Number(answer) : Number(number);
}
