// When the session has ended, the page stays as it is, and a bar leads to sign in and back to this place. Scripts ask with
// lectern.fetch, which gives a 401 where it would have got the sign-in form.
{
  const bar = document.querySelector("[data-signed-out]");
  const tell = (isSignedOut) => (bar.hidden = !isSignedOut);

  bar.addEventListener("submit", () => (bar.querySelector("[name=next]").value = location.pathname + location.search));
  document.addEventListener("htmx:beforeSwap", ({ detail: { xhr } }) => tell(xhr.status === 401));
  lectern.fetch = async (...asked) => {
    const answer = await fetch(...asked);
    const isSignedOut = answer.redirected || answer.status === 401;
    tell(isSignedOut);
    return isSignedOut ? new Response(null, { status: 401 }) : answer;
  };
}
