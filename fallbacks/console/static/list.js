// The list: rows are chosen and acted on together by keys, and new ones come by themselves.

import { composing, named } from "./keys.js";
import { _, number } from "./words.js";

const $ = (selector, root = document) => root.querySelector(selector);
const parsed = (html) => new DOMParser().parseFromString(html, "text/html");
const ASKED_ABOVE = 10;
const SAMPLE = 5;
const CHOOSE = _("Choose tickets first: x, or Shift A for all on this page.");

// acting: from a press to the list as it is afterwards, with what is asked for between. busy: what was asked is under way.
let anchor = null;
let acting = false;
let busy = false;

const form = () => $("#main form[data-many]");
const rows = () => [...document.querySelectorAll("#main tr[data-row]")];
const shown = () => rows().map((row) => row.dataset.row);
const box = (row) => $('[name="item"]', row);
const chosen = () => rows().filter((row) => box(row).checked);
const current = () => document.activeElement?.closest?.("#main tr[data-row]");
const rowOf = (id) => $(`tr[data-row="${CSS.escape(id ?? "")}"]`);

// Where somebody was before they turned to a field: they are there again afterwards, or at what follows it.
let left = null;

function back(ids = shown()) {
  const all = rows();
  const place = Math.max(0, ids.indexOf(left));
  const row = ids.slice(place).map(rowOf).find(Boolean) ?? all[Math.min(place, all.length - 1)];
  $("a", row ?? document.createElement("tr"))?.focus();
}

function ready() {
  if (!form()) return;
  form().toggleAttribute("data-scripted", true);
  $("[data-all]").hidden = false;
  count();
}

function count() {
  if (!form()) return;
  const many = chosen().length;
  $("[data-chosen]").textContent = _("%(num)s chosen", { num: number(many) });
  $("[data-all]").checked = many > 0 && many === rows().length;
}

function move(by) {
  const all = rows();
  const here = all.indexOf(current());
  const row = all[Math.max(0, Math.min(all.length - 1, here < 0 ? 0 : here + by))];
  $("a", row)?.focus();
  row?.scrollIntoView({ block: "nearest" });
}

function toggle(row, range) {
  const all = rows();
  const from = range && anchor ? all.findIndex((one) => one.dataset.row === anchor) : -1;
  const to = all.indexOf(row);
  if (from < 0) box(row).checked = !box(row).checked;
  else for (const one of all.slice(Math.min(from, to), Math.max(from, to) + 1)) box(one).checked = true;
  anchor = row.dataset.row;
  count();
}

function all(on) {
  for (const row of rows()) box(row).checked = on && !box(row).disabled;
  count();
}

// More than a few are asked for, with some of them shown.
async function asked(button) {
  const picked = chosen();
  if (picked.length <= ASKED_ABOVE) return true;
  const dialog = $("#many");
  const word = button.firstChild.textContent.trim();
  $("#many-title").textContent = `${word} ${picked.length}?`;
  $("[data-yes]").textContent = `${word} ${picked.length}`;
  const step = picked.length / SAMPLE;
  const sample = Array.from({ length: SAMPLE }, (_, place) => picked[Math.floor(place * step)]);
  $("[data-sample]").replaceChildren(
    ...sample.map((row) => {
      const item = document.createElement("li");
      item.textContent = `${$("th a", row).textContent} → ${$(".why", row).textContent.trim()}`;
      return item;
    }),
  );
  dialog.returnValue = "";
  dialog.showModal();
  if (["Enter", "Escape"].includes(pressed[0])) setTimeout((key) => dialog.close(key === "Enter" ? "yes" : ""), 0, pressed.shift());
  await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
  return dialog.returnValue === "yes";
}

async function act(from, button) {
  if (acting) return say(_("One moment: what you did before is under way."));
  const inList = from === form();
  if (inList && !chosen().length) return say(CHOOSE);
  acting = true;
  try {
    const body = new URLSearchParams(new FormData(from, button)); // what is asked for is what is sent
    body.set("confirmed", "1");
    if (!inList || (await asked(button))) await send(from.action, body);
  } finally {
    acting = false;
  }
  while (pressed.length && !acting) await redo(pressed.shift());
}

async function send(address, body) {
  busy = true;
  $("#main").setAttribute("aria-busy", "true");
  try {
    const headers = { Accept: "application/json" };
    const answer = await fetch(address, { method: "POST", body, headers, redirect: "error" });
    if (answer.status === 401) return location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    const said = await answer.json();
    if (said.notice) tell(...parsed(said.notice).body.childNodes);
    await again();
  } catch {
    pressed = [];
    say(_("No answer: some may be done. The list shows how it is."));
  } finally {
    busy = false;
    $("#main").removeAttribute("aria-busy");
  }
}

// Keys pressed while something was under way: each is done once the list is as that has left it.
const PRINTED = /^.$/u;
let pressed = [];

// Whether a key belongs to those that wait: a key of the list, what is typed after one of a field, and how that ends.
function waits(key) {
  const field = pressed.findLastIndex((one) => control(one)?.matches("select"));
  const typing = field >= 0 && !pressed.includes("Enter", field);
  const ends = key === "Enter" ? pressed.length > 0 : key === "Escape" && (pressed.length > 0 || chosen().length > 0);
  return Boolean(means(key)) || (PRINTED.test(key) && typing) || ends;
}

async function redo(key) {
  const field = document.activeElement?.closest(".bulk select");
  if (field) return key === "Enter" ? settle(field) : key === "Escape" ? back() : seek(field, key);
  if (key === "Enter") return current() && $("a", current()).click();
  if (key === "Escape") return all(false);
  await use(key);
}

// What is typed in a field of the bar chooses what begins so, whether it was pressed before the field was there or not.
const PAUSE_MS = 2000;
let typed = "";
let typedAt = 0;

function seek(field, key) {
  typed = (Date.now() - typedAt < PAUSE_MS ? typed : "") + key.toLowerCase();
  typedAt = Date.now();
  const option = [...field.options].find((one) => one.text.trim().toLowerCase().startsWith(typed));
  if (option) field.value = option.value;
  field.toggleAttribute("data-lost", !option);
}

// Enter in a field of the bar. What was typed and is nothing there does nothing.
function settle(field) {
  if (field.hasAttribute("data-lost")) return say(_("Nothing begins with “%(text)s”.", { text: typed }));
  const button = $("button", field.parentElement);
  back();
  return act(form(), button);
}

function say(text) {
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.dataset.toast = "";
  const words = document.createElement("p");
  words.textContent = text;
  toast.append(words);
  tell(toast);
}

function tell(...nodes) {
  $("#notice").replaceChildren(...nodes);
  const toast = $("#notice [data-toast]:not(.fault)");
  if (toast) setTimeout(() => toast.remove(), 10_000);
}

// The list as it is now; what stays chosen, and where somebody is, stays so.
async function again() {
  const ids = shown();
  left = current()?.dataset.row ?? left;
  const inRows = current() || document.activeElement === document.body;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const page = parsed(await answer.text());
  const next = $("#main", page);
  if (!answer.ok || !next) return;
  const picked = new Set(chosen().map((row) => row.dataset.row)); // what was clicked while it came, too
  $("#main").replaceWith(next);
  for (const row of rows()) box(row).checked = picked.has(row.dataset.row);
  const badge = $(".badge", page);
  if (badge) $(".badge").textContent = badge.textContent;
  ready();
  follow();
  if (left && inRows) back(ids);
}

// New and changed rows come by themselves. None moves under the cursor: what is new waits for a press, what has left
// stays in its place, pale.
const AWAY_MS = 30_000;
const name = document.title;
let source = null;
let poll = null;

function tabs(counts) {
  for (const [view, many] of Object.entries(counts)) {
    const tab = $(`[data-tab="${view}"] .badge`);
    if (tab) tab.textContent = number(many);
  }
  const here = counts[$("#main").dataset.view];
  document.title = here ? `(${here}) ${name}` : name;
}

function merge(html) {
  const table = document.createElement("table");
  table.innerHTML = html;
  const sent = new Map([...table.querySelectorAll("tr[data-row]")].map((row) => [row.dataset.row, row]));
  for (const row of rows()) {
    const now = sent.get(row.dataset.row);
    sent.delete(row.dataset.row);
    if (!now) leave(row);
    else if (now.dataset.version !== row.dataset.version || $(".with", now).textContent !== $(".with", row).textContent) change(row, now);
  }
  const button = $("[data-fresh]");
  button.hidden = sent.size === 0;
  button.textContent = _("%(num)s new", { num: number(sent.size) });
  count();
}

function leave(row) {
  row.classList.add("gone");
  box(row).checked = false;
  box(row).disabled = true;
}

// A choice was made of what it said: it is taken back where that is something else by now.
function change(row, now) {
  const here = row.contains(document.activeElement);
  box(now).checked = box(row).checked && now.dataset.version === row.dataset.version;
  row.replaceWith(now);
  if (here) $("a", now).focus();
}

function follow() {
  source?.close();
  clearInterval(poll);
  source = poll = null;
  const list = $("#main[data-stream-list]");
  if (!list) return;
  if (document.hidden) {
    const look = () => fetch("/inbox/counts").then((answer) => (answer.ok ? answer.json().then(tabs) : null), () => null);
    poll = setInterval(look, AWAY_MS);
    return;
  }
  source = new EventSource(list.dataset.streamList);
  source.addEventListener("counts", (event) => tabs(JSON.parse(event.data)));
  source.addEventListener("rows", (event) => busy || merge(event.data));
}

const KEYS = {
  r: () => again(),
  j: () => move(1),
  k: () => move(-1),
  x: () => current() && toggle(current(), false),
  X: () => current() && toggle(current(), true),
  u: () => $('#notice [data-key="u"]')?.click(),
  A: () => all(chosen().length < rows().length),
};

const control = (key) => $(`.bulk [data-bulk="${CSS.escape(key)}"]`);
const means = (key) => KEYS[key] ?? control(key);

function use(key) {
  if (KEYS[key]) return KEYS[key]();
  const found = control(key);
  if (!found) return;
  if (!chosen().length) return say(CHOOSE);
  if (found.matches("button")) return void act(form(), found);
  left = current()?.dataset.row ?? chosen()[0].dataset.row;
  typed = "";
  found.focus();
}

document.addEventListener(
  "keydown",
  (event) => {
    if (composing(event) || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]") || !form()) return;
    const field = event.target.closest?.("input, textarea, select");
    const inBar = field?.closest(".bulk");
    if (inBar && event.key === "Enter") {
      event.preventDefault();
      event.stopImmediatePropagation();
      return settle(field);
    }
    if (inBar && event.key === "Escape") return back();
    if (inBar && PRINTED.test(event.key) && (event.key !== " " || typed)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return seek(field, event.key);
    }
    if (event.key === "Escape" && chosen().length && !busy) return all(false);
    const off = !document.body.hasAttribute("data-keys");
    const key = named(event);
    if (off || event.repeat && !"jk".includes(key) || (field && field.type !== "checkbox")) return;
    if (busy ? !waits(key) : !means(key)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (busy) pressed.push(key);
    else use(key);
  },
  { capture: true },
);

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-many]") || event.submitter === null) return;
  event.preventDefault();
  act(event.target, event.submitter);
});

document.addEventListener("visibilitychange", follow);

document.addEventListener("click", (event) => {
  if (event.target.matches("[data-fresh]")) return again();
  if (event.target.matches("[data-all]")) return all(event.target.checked);
  const row = event.target.closest?.("tr[data-row]");
  if (!row || event.target !== box(row)) return;
  if (event.shiftKey && anchor) {
    event.target.checked = !event.target.checked;
    toggle(row, true);
  } else anchor = row.dataset.row;
  count();
});

ready();
follow();
