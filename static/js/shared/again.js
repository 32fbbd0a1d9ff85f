// A page of a share that the browser kept is asked for again when the reader comes back to it, before it is painted: it
// may be revoked by now.
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  document.documentElement.style.visibility = "hidden";
  location.reload();
});

// What an open page asks for may be refused by now: the answer takes the place of all that was shown. Whose session has
// ended signs in and comes back.
document.addEventListener("htmx:beforeSwap", ({ detail: { xhr } }) => {
  if (xhr.status === 401) location.reload();
  if (xhr.status !== 404) return;
  const { title, body } = new DOMParser().parseFromString(xhr.responseText, "text/html");
  if (!body.matches(".page-shared")) return; // a proxy's own
  document.title = title;
  document.body.replaceWith(body);
  const heading = body.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus();
});
