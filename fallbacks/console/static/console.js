// The console's only script. Everything works without it; with it, keys act at once and the next item is ready.

const $ = (selector, root = document) => root.querySelector(selector);
const main = () => $("#main");
const parsed = (html) => new DOMParser().parseFromString(html, "text/html");

// What is under way: acts are sent one after the other; `ahead` is the page of the item after this one.
let last = Promise.resolve();
let ahead = null;
let busy = false;
let source = null;

async function send(url, body) {
  try {
    const headers = { Accept: "application/json" };
    const answer = await fetch(url, { method: "POST", body, headers, redirect: "error" });
    const said = await answer.json();
    if (answer.status === 401) location.assign(said.go);
    return { ...said, done: answer.ok };
  } catch {
    return { notice: null, failed: true };
  }
}

async function load(url, options) {
  const answer = await fetch(url, options);
  if (answer.status === 204 || !answer.ok) return null;
  return { page: parsed(await answer.text()), url: answer.url };
}

function tell(html) {
  const notice = $("#notice");
  if (!html) {
    notice.textContent = "No answer. Look at the ticket before you repeat it.";
    return;
  }
  notice.replaceChildren(...parsed(html).body.childNodes);
  fade();
}

function fade() {
  const toast = $("[data-toast]:not(.fault)");
  if (toast) setTimeout(() => toast.remove(), 10000);
}

function show(page) {
  const next = $("#main", page);
  if (!next) return;
  main().replaceWith(next);
  pressed = 0;
  const badge = $(".badge", page);
  if (badge) $(".badge").textContent = badge.textContent;
  document.title = next.dataset.title ?? document.title;
  scrollTo(0, 0);
  $("h1", next)?.focus({ preventScroll: true });
  restoreHint();
  markNews();
  follow();
}

// What came since somebody opened the ticket stays marked, however often it is shown anew, until they turn elsewhere.
function markNews() {
  const ticket = main()?.dataset.ticket;
  const opened = JSON.parse(sessionStorage.getItem("opened"));
  if (!ticket) return sessionStorage.removeItem("opened");
  const messages = [...document.querySelectorAll("[data-added]")];
  const newest = Math.max(0, ...messages.map((one) => Number(one.dataset.added)));
  const last = Number(sessionStorage.getItem(`seen:${ticket}`) ?? newest);
  const since = opened?.ticket === ticket ? opened.since : last;
  sessionStorage.setItem("opened", JSON.stringify({ ticket, since }));
  sessionStorage.setItem(`seen:${ticket}`, newest);
  const fresh = messages.filter((one) => Number(one.dataset.added) > since);
  for (const one of fresh) {
    one.classList.add("fresh");
    $(".new", one).hidden = false;
  }
  if (!fresh.length) return;
  $("[data-news]").hidden = false;
  $("[data-news] a").textContent = `${fresh.length} new since you opened it`;
}

// What somebody is writing to the agent stays when the ticket is shown anew, until it is sent.
const hintKey = () => `hint:${main()?.dataset.ticket}`;

function keepHint(event) {
  if (event.target.name === "hint") sessionStorage.setItem(hintKey(), event.target.value);
}

function restoreHint() {
  const field = $('textarea[name="hint"]');
  const kept = sessionStorage.getItem(hintKey());
  if (!field || !kept || field.value) return;
  field.value = kept;
  field.closest("details").open = true;
}

function working() {
  return main().hasAttribute("data-working");
}

function nextAddress() {
  const filters = main().dataset.filters;
  return filters ? `/work?${filters}` : "/work";
}

// Hold and fetch the item after this one while the person reads.
function lookAhead() {
  if (!working()) return;
  const body = new URLSearchParams({ at_hand: main().dataset.ticket, filters: main().dataset.filters });
  const item = main();
  ahead = load("/ahead", { method: "POST", body }).catch(() => null);
  ahead.then(() => (item.dataset.ahead = "ready"));
}

async function act(form, submitter) {
  if (busy) return;
  const body = new URLSearchParams(new FormData(form, submitter));
  body.set("keys", pressed);
  const advances = working() && submitter?.hasAttribute("data-advance");
  const onward = nextAddress();
  busy = true;
  main().setAttribute("aria-busy", "true");
  const hint = $('[name="hint"]', form) && hintKey();
  const sent = (last = last.then(() => send(form.action, body)));
  const ready = advances && ahead ? await ahead : null;
  ahead = null;
  if (ready) {
    show(ready.page);
    busy = false;
  }
  const said = await sent;
  if (hint && said.done) sessionStorage.removeItem(hint);
  tell(said.notice);
  try {
    if (!ready && !said.failed) {
      const found = await load(said.go ?? (advances ? onward : location.href), { headers: { Accept: "text/html" } });
      if (found) show(found.page);
    }
  } finally {
    if (!ready) busy = false;
    main().removeAttribute("aria-busy");
  }
  // Somebody fast is at the next act already: that one looks ahead when it is done.
  if (!busy) lookAhead();
}

// Who reads keeps what they hold, and the item after it. Nobody at the desk for ten minutes: it goes to others.
const RENEW_MS = 120_000;
const AWAY_MS = 600_000;
let moved = Date.now();

// How many keys an item took: a number, never which keys.
let pressed = 0;
const SILENT = new Set(["Shift", "Control", "Alt", "Meta"]);

function renew() {
  if (document.hidden || Date.now() - moved > AWAY_MS || !main()?.hasAttribute("data-held")) return;
  keep(main().dataset.ticket);
  ahead?.then((item) => item && keep($("#main", item.page)?.dataset.ticket));
}

function keep(ticket) {
  if (ticket) fetch(`/tickets/${encodeURIComponent(ticket)}/hold`, { method: "POST", body: "" }).catch(() => null);
}

function tellPresence(item, holder) {
  const mine = holder === item.dataset.person;
  const shown = $("[data-presence]", item);
  item.toggleAttribute("data-held", mine);
  shown.hidden = !holder;
  shown.classList.toggle("other", !mine);
  shown.textContent = mine ? "held for you" : `${holder} has it`;
}

// The timeline grows by itself; a change of the ticket is said, and shown at once where nobody is deciding.
function follow() {
  source?.close();
  source = null;
  const item = main();
  if (!item?.dataset.stream || document.hidden) return;
  const stream = (source = new EventSource(item.dataset.stream));
  stream.addEventListener("line", (event) => {
    $("[data-lines]", item).append(...parsed(event.data).body.children);
    item.dataset.stream = item.dataset.stream.replace(/from=\d+/, `from=${event.lastEventId}`);
  });
  stream.addEventListener("version", (event) => {
    const now = JSON.parse(event.data);
    tellPresence(item, now.holder);
    if (String(now.version) === item.dataset.version || busy || item !== main()) return;
    const touched = working() || item.contains(document.activeElement?.closest("form"));
    if (!touched) {
      load(location.href).then((found) => found && item === main() && !busy && show(found.page));
      return;
    }
    const banner = $("[data-changed]", item);
    const more = now.messages - Number($("[data-messages]", item)?.dataset.messages ?? 0);
    const added = more > 0 ? `${more === 1 ? "a message was" : `${more} messages were`} added, ` : "";
    const holder = now.holder ? `, with ${now.holder}` : "";
    $("b", banner).textContent = added + now.state.replaceAll("_", " ") + holder;
    banner.hidden = false;
  });
}

// Keys. A key is named on the element it works: a button is pressed, a field focused, a menu opened.
function press(key) {
  if (/^[1-9]$/.test(key)) {
    const menu = $("details[open][data-key] [data-digit]")?.closest("details");
    return $(`[data-digit="${key}"]:not(details:not([open]) *)`, menu ?? main());
  }
  return $(`#notice [data-key="${CSS.escape(key)}"]`) ?? $(`[data-key="${CSS.escape(key)}"]`);
}

function use(element) {
  if (element.matches("details")) {
    element.open = !element.open;
    if (element.open) ($("[data-first]", element) ?? $("summary", element)).focus();
  } else if (element.matches("input, textarea, select")) element.focus();
  else element.click();
}

function onKey(event) {
  const field = event.target.closest?.("input, textarea, select");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && field?.form) {
    event.preventDefault();
    field.form.requestSubmit($("button", field.form));
    return;
  }
  if (event.key === "Escape") {
    field?.blur();
    document.querySelectorAll("details[open][data-key]").forEach((menu) => (menu.open = false));
    return;
  }
  const off = !document.body.hasAttribute("data-keys");
  if (off || field || event.repeat || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  if (event.key === "?") {
    event.preventDefault();
    $("#keys").showModal();
    return;
  }
  if (event.key === "w" && !working()) {
    location.assign(nextAddress());
    return;
  }
  const element = busy ? null : press(event.key);
  if (element) {
    event.preventDefault();
    use(element);
  }
}

for (const sign of ["keydown", "pointermove", "scroll"]) {
  document.addEventListener(sign, () => (moved = Date.now()), { passive: true });
}
setInterval(renew, RENEW_MS);

document.addEventListener("keydown", (event) => (pressed += event.repeat || SILENT.has(event.key) ? 0 : 1));
document.addEventListener("keydown", onKey);

document.addEventListener("input", keepHint);

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-act]")) return;
  event.preventDefault();
  act(event.target, event.submitter);
});

document.addEventListener("change", (event) => {
  event.target.closest("form[data-live]")?.requestSubmit();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-help]")) return;
  event.preventDefault();
  $("#keys").showModal();
});

document.addEventListener("visibilitychange", follow);

fade();
restoreHint();
markNews();
follow();
lookAhead();
