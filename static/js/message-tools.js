// "Copy" and "Select" stand on the message that is pointed at or holds the focus; the desk's scripts do what they say.
{
  let tools; // kept here when the message it stands on leaves the page
  const offer = ({ target }) => {
    const message = lectern.placeAt(target);
    tools ??= document.querySelector(".message__tools");
    const head = message && message.dataset.messageId !== "" && lectern.headOf(message);
    if (!head || !tools || head.contains(tools) || tools.querySelector(":focus-visible")) return;
    head.append(tools);
    tools.hidden = false;
    tools.elements.from.value = tools.elements.to.value = document.querySelector("reading-place").placeOf(message);
  };
  for (const act of ["pointerover", "focusin"]) document.addEventListener(act, offer);
}
