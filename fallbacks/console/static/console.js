// The console's script. Everything works without it; with it, keys act at once and the next item is ready.

import "./again.js";
import { changed, dirty, discard, forget, leave, onlyOf, restore, restoreSearch } from "./drafts.js";
import { composing, named } from "./keys.js";
import { follow as followMentions } from "./mentions.js";
import { openPalette, ready as readChoices } from "./palette.js";
import "./times.js";
import { _ } from "./words.js";

const $ = (selector, root = document) => root.querySelector(selector);
const main = () => $("#main");
const parsed = (html) => new DOMParser().parseFromString(html, "text/html");

// What is under way: acts are sent one after the other; `ahead` is the page of the item after this one. `returned`:
// items whose acts were not done while their person was typing elsewhere; they come next.
const returned = [];
let last = Promise.resolve();
let ahead = null;
let busy = false;
let source = null;

const SLOW_MS = 1000;
const LONGEST_MS = 60_000;
const UNANSWERED = _("No answer: it may have been done or not. Send it again, or look at the ticket first.");

async function send(url, body, ticket) {
  const slow = setTimeout(() => say(_("No answer yet; still waiting."), ticket), SLOW_MS);
  try {
    const headers = { Accept: "application/json" };
    const signal = AbortSignal.timeout(LONGEST_MS);
    const answer = await fetch(url, { method: "POST", body, headers, redirect: "error", signal });
    const said = await answer.json().catch(() => null);
    return { ...said, done: answer.ok, status: answer.status };
  } catch {
    return { notice: null, done: false };
  } finally {
    clearTimeout(slow);
    $("[data-passing]")?.remove();
  }
}

async function load(url, options) {
  const answer = await fetch(url, options);
  if (answer.status === 204 || !answer.ok) return null;
  return { page: parsed(await answer.text()), url: answer.url };
}

function tell(html) {
  if (!html) return;
  $("#notice").replaceChildren(...parsed(html).body.childNodes);
  fade();
}

// A word of the page's own. ticket: the one it is about. fault: it stays until something else is said.
function say(text, ticket, fault = false) {
  const toast = document.createElement("div");
  toast.className = fault ? "toast fault" : "toast";
  toast.dataset.toast = "";
  if (!fault) toast.dataset.passing = "";
  const words = document.createElement("p");
  words.textContent = ticket ? `${ticket}: ${text}` : text;
  toast.append(words);
  if (ticket) {
    const link = document.createElement("a");
    link.href = `/tickets/${encodeURIComponent(ticket)}`;
    link.textContent = _("Look");
    toast.append(link);
  }
  $("#notice").replaceChildren(toast);
  fade();
}

function fade() {
  const toast = $("[data-toast]:not(.fault)");
  if (toast) setTimeout(() => toast.remove(), 10000);
}

function show(page) {
  const next = $("#main", page);
  if (!next) return;
  place(next);
  const badge = $(".badge", page);
  if (badge) $(".badge").textContent = badge.textContent;
}

function place(next) {
  main().replaceWith(next);
  pressed = 0;
  document.title = next.dataset.title ?? document.title;
  scrollTo(0, 0);
  $("h1", next)?.focus({ preventScroll: true });
  restore(next);
  markNews();
  follow();
  if ($("[data-palette]", next)) readChoices();
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
  $("[data-news] a").textContent = _("%(num)s new since you opened it", { num: fresh.length });
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
  if (busy) return say(BUSY);
  deaf = 0;
  const item = main();
  const body = new URLSearchParams(new FormData(form, submitter));
  body.set("keys", pressed);
  const advances = working() && submitter?.hasAttribute("data-advance");
  const onward = nextAddress();
  busy = true;
  item.setAttribute("aria-busy", "true");
  const sent = (last = last.then(() => send(submitter?.getAttribute("formaction") ?? form.action, body, item.dataset.ticket)));
  const ready = advances && (await following());
  ahead = null;
  if (ready) {
    ready();
    busy = false;
  }
  const said = await sent;
  item.removeAttribute("aria-busy");
  tell(said.notice);
  try {
    if (!said.done) notDone(item, form, said);
    else {
      forget(form);
      if (!ready) await arrive(said.go ?? (advances ? onward : location.href));
    }
  } finally {
    if (!ready) busy = false;
  }
  // Somebody fast is at the next act already: that one looks ahead when it is done.
  if (!busy) lookAhead();
}

// How the next item is shown, where it is at hand: first those that came back.
async function following() {
  const back = returned.shift();
  if (back) return () => place(back);
  const found = await ahead;
  return found && (() => show(found.page));
}

async function arrive(address) {
  const found = await load(address, { headers: { Accept: "text/html" } }).catch(() => null);
  if (found) show(found.page);
  else say(_("It is done, and the next page did not come. Reload it."), "", true);
}

// The ticket comes back with what was typed, and what is wrong beside it; where somebody types already, as the next.
function notDone(item, form, said) {
  if (said.status === 401) return signIn(item);
  const refused = said.status ? _("Refused with status %(status)s.", { status: said.status }) : UNANSWERED;
  const text = (said.notice && $("p", parsed(said.notice))?.textContent) || refused;
  blame(item, form, text, said.status === 409);
  if (!said.notice) say(text, item.dataset.ticket, true);
  if (item === main() || !item.dataset.ticket) return;
  if (document.activeElement?.closest("form[data-act]") || main().hasAttribute("data-returned")) returned.push(item);
  else {
    place(item);
    deaf = Date.now() + DEAF_MS;
  }
}

function blame(item, form, text, stale) {
  if (!item.contains(form)) return;
  item.setAttribute("data-returned", "");
  $("[data-fault]", form)?.remove();
  const fault = document.createElement("p");
  fault.className = "fault";
  fault.setAttribute("role", "alert");
  fault.dataset.fault = "";
  fault.textContent = text;
  form.append(fault);
  if (stale) $("[data-changed]", item).hidden = false;
}

// What was typed is kept: signed in again, the person is back at it.
function signIn(item) {
  const filters = item.dataset.filters && `&${item.dataset.filters}`;
  const ticket = encodeURIComponent(item.dataset.ticket ?? "");
  const back = item.hasAttribute("data-working") ? `/work?item=${ticket}${filters}` : `/tickets/${ticket}`;
  location.assign(`/sign-in?next=${encodeURIComponent(ticket ? back : location.pathname)}`);
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
  shown.textContent = mine ? _("held for you") : _("%(person)s has it", { person: holder });
  const taken = $("[data-taken]", item);
  if (!taken) return;
  taken.hidden = !holder || mine;
  $("b", taken).textContent = holder;
}

// The timeline grows by itself; a change of the ticket is said, and shown at once where nobody is deciding, but for a call
// that waits: it must not become another one under a finger.
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
    const asked = $(".call", item);
    const touched = working() || asked || dirty(item) || item.contains(document.activeElement?.closest("form"));
    if (!touched) {
      load(location.href).then((found) => found && item === main() && !busy && show(found.page));
      return;
    }
    const banner = $("[data-changed]", item);
    const more = now.messages - Number($("[data-messages]", item)?.dataset.messages ?? 0);
    const added = more > 1 ? _("%(num)s messages were added", { num: more }) : more > 0 ? _("a message was added") : "";
    const holder = now.holder ? _("with %(person)s", { person: now.holder }) : "";
    $("b", banner).textContent = `: ${[added, now.state, holder].filter(Boolean).join(", ")}`;
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
    element.open = true;
    element.scrollIntoView({ block: "nearest" });
    ($("[data-first]", element) ?? $("summary", element)).focus();
  } else if (element.matches("input, textarea, select")) element.focus();
  else element.click();
}

function pick(form, name) {
  const button = $("[data-picked]", form);
  button.value = name;
  form.requestSubmit(button);
}

// After a key that means nothing here the next ones are not taken for a while: they were meant to follow it.
const DEAF_MS = 1500;
const BUSY = _("One moment: what you did before is under way. The key was not taken.");
let deaf = 0;

function meaningless(key) {
  if (!main()?.dataset.ticket || !/^[a-z0-9]$/i.test(key)) return;
  if (busy) return say(BUSY);
  say(_("%(key)s means nothing here. Keys are taken again in a moment.", { key }));
  deaf = Date.now() + DEAF_MS;
}

function onKey(event) {
  if (composing(event)) return;
  const field = event.target.closest?.("input, textarea, select");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && field?.form) {
    event.preventDefault();
    const button = $("button:enabled:not([data-digit], [type=button], [hidden])", field.form);
    if (button) field.form.requestSubmit(button);
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
  const key = named(event);
  if (key === "w" && !working()) {
    location.assign(nextAddress());
    return;
  }
  const element = busy || Date.now() < deaf ? null : press(key);
  if (element || Date.now() < deaf) event.preventDefault();
  if (element) use(element);
  else if (Date.now() >= deaf) meaningless(key);
}

for (const sign of ["keydown", "pointermove", "scroll"]) {
  document.addEventListener(sign, () => (moved = Date.now()), { passive: true });
}
setInterval(renew, RENEW_MS);

document.addEventListener("keydown", (event) => (pressed += event.repeat || SILENT.has(event.key) ? 0 : 1));
document.addEventListener("keydown", onKey);

document.addEventListener("input", changed);

document.addEventListener("submit", (event) => {
  if (event.target.action.endsWith("/sign-out")) leave();
  if (!event.target.matches("form[data-act]")) return;
  event.preventDefault();
  act(event.target, event.submitter);
});

document.addEventListener("change", (event) => {
  event.target.closest("form[data-live]")?.requestSubmit();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-discard]")) discard(main());
  const palette = event.target.closest("[data-palette]");
  if (palette) openPalette(palette.form, main().dataset.person, (name) => pick(palette.form, name));
  if (!event.target.closest("[data-help]")) return;
  event.preventDefault();
  $("#keys").showModal();
});

document.addEventListener("visibilitychange", follow);

onlyOf(document.body.dataset.person);
fade();
restore(main());
restoreSearch();
if ($("[data-palette]")) readChoices();
markNews();
follow();
lookAhead();
followMentions();
