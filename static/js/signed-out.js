// Nobody sees a page of somebody who has signed out: not by Back, which brings pages out of the browser's memory
// without a request, and not in another tab. The server marks in a cookie who is signed in, and takes it away on
// signing out (accounts/devices.py). `pageshow` comes before a page is painted again: then the mark must be the one
// that the page came with, and the server is asked whether the session goes on. It is also asked where a page comes
// from the disk. A page of a share is asked for again as a whole (shared/again.js), and has no lectern.fetch.
{
  const person = () => document.cookie.match(/\bperson=\w+/)?.[0] ?? "";
  const came = person();
  const leave = () => {
    document.documentElement.style.visibility = "hidden";
    sessionStorage.clear();
    location.replace(location.pathname + location.search); // not reload(): it would send a form again
  };
  const check = () => person() === came || leave();

  if (sessionStorage.person !== came) sessionStorage.clear();
  sessionStorage.person = came;
  addEventListener("pageshow", async ({ persisted }) => {
    const isOld = persisted || performance.getEntriesByType("navigation")[0].type === "back_forward";
    if (isOld && check() && came && (await lectern.fetch?.("/session/").catch(() => ({})))?.status === 401) leave();
  });
  document.addEventListener("visibilitychange", () => document.hidden || check());
}
