// A page holds at most 500 messages, for longer ones answer slowly; then the way on is a link to a fresh page.
document.addEventListener("htmx:beforeRequest", (event) => {
  const place = event.target.closest("reading-place");
  const more = event.target.closest("[data-more]");
  if (!place || !more) return;
  const messages = place.messages();
  const underWay = place.querySelectorAll("[data-more].htmx-request").length;
  if (messages.length + 20 * (underWay + 1) <= 500) return;
  event.preventDefault();
  const isLinked = (message) => place.addressOf(message);
  const outermost = more.matches(".more--above") ? messages.find(isLinked) : messages.findLast(isLinked);
  if (!outermost) return;
  const number = lectern.numberOn(lectern.placesOf(outermost)[0]);
  more.dataset.stopped = "full";
  const link = more.querySelector("a");
  link.href = place.addressOf(outermost);
  link.textContent = number.startsWith("#") ? place.dataset.goOn.replace("{number}", number) : place.dataset.goOnHere;
});
