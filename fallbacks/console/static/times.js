// Times as the reader's own clock shows them, with zone and UTC on hover; how long ago something was goes on.

import { _ } from "./words.js";

const lang = document.documentElement.lang;
const locale = navigator.languages?.find((one) => one.split("-")[0] === lang) ?? lang;
const ahead = Number(document.body?.dataset.now ?? Date.now()) - Date.now();
const TICK_MS = 15_000;

const DAY = { year: "numeric", month: "2-digit", day: "2-digit" };
const CLOCK = { hour: "2-digit", minute: "2-digit" };
const SECONDS = { ...CLOCK, second: "2-digit" };
const FORMS = { clock: SECONDS, day: { ...DAY, ...CLOCK }, second: { ...DAY, ...SECONDS } };
const FULL = { ...DAY, ...SECONDS, timeZoneName: "short" };

const shown = (date, form) => new Intl.DateTimeFormat(locale, form).format(date);

// A clock alone is enough for today only.
function written(date, name) {
  const today = date.toDateString() === new Date(Date.now() + ahead).toDateString();
  return shown(date, name === "clock" && !today ? FORMS.second : FORMS[name]);
}

function lasting(ms) {
  const seconds = Math.abs(ms) / 1000;
  if (seconds >= 86_400) return _("%(time)s d", { time: Math.round(seconds / 86_400) });
  if (seconds >= 3600) return _("%(time)s h", { time: Math.round(seconds / 3600) });
  if (seconds >= 60) return _("%(time)s min", { time: Math.round(seconds / 60) });
  return _("%(time)s s", { time: Math.round(seconds) });
}

function grow(time) {
  const text = lasting(Date.parse(time.dateTime) - Date.now() - ahead);
  const said = time.dataset.said.replace("%(time)s", text);
  if (time.textContent !== said) time.textContent = said;
}

// Once for each; `data-local` says that it is done.
function localise(root) {
  for (const time of root.querySelectorAll?.("time[data-at]:not([data-local]), time[data-said]:not([data-local])") ?? []) {
    const date = new Date(time.dateTime);
    time.dataset.local = "";
    time.title = `${shown(date, FULL)} · ${date.toISOString().replace("T", " ").slice(0, 19)} UTC`;
    if (time.dataset.at) time.textContent = written(date, time.dataset.at);
  }
}

// Pages, rows and lines come by themselves: each is looked at as it comes.
new MutationObserver((changes) => {
  for (const change of changes) for (const node of change.addedNodes) if (node.nodeType === 1) localise(node.parentElement ?? node);
}).observe(document.documentElement, { childList: true, subtree: true });

// Paper says when it was printed, and has all that is folded.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("main details:not([open], [data-key])")];
  for (const each of folded) each.open = true;
  for (const time of document.querySelectorAll(".on-paper time")) time.textContent = shown(new Date(Date.now() + ahead), FULL);
});
addEventListener("afterprint", () => folded.forEach((each) => (each.open = false)));

setInterval(() => document.hidden || document.querySelectorAll("time[data-said]").forEach(grow), TICK_MS);
localise(document);
