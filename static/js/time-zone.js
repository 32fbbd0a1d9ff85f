// Tells the server the reader's time zone, so that it writes times as the reader's clock shows them. A browser needs 15 ms
// to say which that is: where the server has been told before, it is asked after the first paint, because few readers
// have travelled since.
{
  const tell = () => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (zone) document.cookie = `timezone=${zone}; path=/; max-age=31536000; samesite=lax`;
  };
  if (/(^|; )timezone=/.test(document.cookie)) requestAnimationFrame(() => setTimeout(tell));
  else tell();
}
