// A page that tells of something under way is read anew until that has ended. What somebody types there stays: only the
// parts that change are shown anew, and none that they are in.

const AGAIN_MS = 2000;
const marked = (page) => page.querySelector("main[data-again]");

async function read() {
  if (document.hidden || !marked(document)) return;
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok || !marked(document)) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const parts = [...page.querySelectorAll("[data-part]")];
  for (const fresh of parts) {
    const shown = document.querySelector(`[data-part="${fresh.dataset.part}"]`);
    if (!shown?.contains(document.activeElement)) shown?.replaceWith(fresh);
  }
  if (parts.length && !marked(page)) delete document.querySelector("main").dataset.again;
}

setInterval(read, AGAIN_MS);
