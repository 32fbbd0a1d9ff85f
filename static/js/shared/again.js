// A page of a share that the browser kept is asked for again when the reader comes back to it: it may be closed by now.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
