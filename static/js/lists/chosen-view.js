// On a phone the views are a strip: the chosen one is brought into sight, again when the counts have come.
{
  const rail = document.querySelector(".rail.side");
  const middle = (element) => {
    const { left, right } = element.getBoundingClientRect();
    return (left + right) / 2;
  };
  const bring = () => {
    const chosen = rail.querySelector("[aria-current]");
    if (chosen) rail.scrollBy({ left: middle(chosen) - middle(rail), behavior: "instant" });
  };
  if (rail) {
    bring();
    rail.addEventListener("htmx:afterSwap", bring);
  }
}
