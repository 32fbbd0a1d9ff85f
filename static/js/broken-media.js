// A picture or a sound whose bytes are broken says so in its place, with a link to them. Its words are templates of the
// page.
{
  const tell = (media) => {
    const told = document.querySelector(`template[data-broken="${media.tagName}"]`)?.content.firstElementChild
      .cloneNode(true);
    if (!told) return;
    Object.assign(told.querySelector("a"), { href: media.src, download: "" });
    (media.closest("a") ?? media).replaceWith(told);
  };

  // These events do not bubble; and what failed before this script ran is looked for.
  document.addEventListener(
    "error",
    ({ target }) => target.matches?.("[data-part] :is(img, audio)") && tell(target),
    true,
  );
  for (const image of document.querySelectorAll("[data-part] img")) {
    if (image.complete && !image.naturalWidth) tell(image);
  }
}
