// When the session has ended, the page stays as it is, and a bar leads to sign in and back to this place. Scripts ask
// with lectern.fetch, which names the source that the page came from; to such a question a server answers 401, and no
// form.
{
  const bar = document.querySelector("[data-signed-out]");
  const tell = (isSignedOut) => (bar.hidden = !isSignedOut);

  bar.addEventListener("submit", () => (bar.querySelector("[name=next]").value = location.pathname + location.search));
  document.addEventListener("htmx:beforeSwap", ({ detail: { xhr } }) => tell(xhr.status === 401));
  lectern.fetch = async (address, options = {}) => {
    const headers = { ...options.headers, ...JSON.parse(document.body.getAttribute("hx-headers")) };
    const answer = await fetch(address, { ...options, headers });
    tell(answer.status === 401);
    return answer;
  };
}
