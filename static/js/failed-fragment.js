// A failed fragment that is no problem of ours (a proxy's 502, a page of Django's own) is not swapped in: what is on the
// page stays, and so does its link, which a reader can still follow.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { xhr } = detail;
  if (xhr.status >= 400 && !xhr.responseText.includes("data-problem=")) detail.shouldSwap = false;
});
