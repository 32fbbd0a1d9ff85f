// When the session has ended, the page stays as it is, and a bar leads to sign in and back to this place. Scripts ask with
// lectern.fetch, which gives a 401 where it would have got the sign-in form, and names the source that the page came from.
{
  const bar = document.querySelector("[data-signed-out]");
  const tell = (isSignedOut) => (bar.hidden = !isSignedOut);

  bar.addEventListener("submit", () => (bar.querySelector("[name=next]").value = location.pathname + location.search));
  document.addEventListener("htmx:beforeSwap", ({ detail: { xhr } }) => tell(xhr.status === 401));
  lectern.fetch = async (address, options = {}) => {
    const headers = { ...options.headers, ...JSON.parse(document.body.getAttribute("hx-headers")) };
    const answer = await fetch(address, { ...options, headers });
    const isSignedOut = answer.redirected || answer.status === 401;
    tell(isSignedOut);
    return isSignedOut ? new Response(null, { status: 401 }) : answer;
  };
}
