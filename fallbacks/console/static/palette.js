// Find a label by its words, their beginnings or initials, its description or its team. Enter takes the first hit.

import { composing } from "./keys.js";
import { _ } from "./words.js";

const SHOWN = 8;
const LAST_USED = 20;

let choices = [];
let coming = null;

// Read once, and again where that failed.
export function ready() {
  const read = async () => (choices = await (await fetch("/choices")).json());
  return (coming ??= read().catch(() => (coming = null)));
}

const tokens = (text) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

// How well beginnings of the words, in their order, spell what was typed: words passed over cost 1; null for not.
function spelled(typed, words) {
  if (!typed) return words.length / 10;
  let best = null;
  words.forEach((word, place) => {
    for (let length = 1; length <= Math.min(word.length, typed.length) && word[length - 1] === typed[length - 1]; length++) {
      const rest = spelled(typed.slice(length), words.slice(place + 1));
      if (rest !== null && (best === null || place + rest < best)) best = place + rest;
    }
  });
  return best;
}

function cost(typed, choice) {
  const words = tokens(choice.words);
  const asInitials = spelled(typed.join("").slice(0, 40), words);
  if (asInitials !== null) return asInitials;
  if (typed.every((one) => choice.words.includes(one))) return 20;
  const about = tokens(`${choice.words} ${choice.about} ${choice.detail} ${choice.alike.join(" ")}`);
  return typed.every((one) => about.some((word) => word.startsWith(one))) ? 40 : null;
}

// The choices that what was typed may mean, best first. used: names, the last used first.
export function found(text, used = [], among = choices) {
  const typed = tokens(text);
  const turn = (choice) => (used.indexOf(choice.name) + LAST_USED + 1) % (LAST_USED + 1);
  return among
    .map((choice) => ({ choice, cost: typed.length ? cost(typed, choice) : 0 }))
    .filter((one) => one.cost !== null)
    .sort((a, b) => Math.floor(a.cost) - Math.floor(b.cost) || turn(a.choice) - turn(b.choice) || a.cost - b.cost)
    .map((one) => one.choice);
}

const usedKey = (person) => `used:${person}`;
const lastUsed = (person) => JSON.parse(localStorage.getItem(usedKey(person)) ?? "[]");

function option(choice, place) {
  const item = document.createElement("li");
  item.id = `found-${place}`;
  item.setAttribute("role", "option");
  item.dataset.name = choice.name;
  item.append(choice.words);
  const team = document.createElement("span");
  team.className = "sub";
  team.textContent = choice.detail;
  item.append(team);
  return item;
}

function mark(field, list, place) {
  [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === place)));
  if (list.children[place]) field.setAttribute("aria-activedescendant", list.children[place].id);
  else field.removeAttribute("aria-activedescendant");
  list.children[place]?.scrollIntoView({ block: "nearest" });
}

// Put the palette into the form of a button. pick: called with the name that was taken.
export function openPalette(form, person, pick) {
  form.querySelector(".palette")?.remove();
  const box = document.createElement("div");
  box.className = "palette";
  box.innerHTML = '<input data-search role="combobox" aria-expanded="true" aria-controls="found" aria-autocomplete="list" autocomplete="off" spellcheck="false"><ul id="found" role="listbox"></ul>';
  form.prepend(box);
  const [field, list] = box.children;
  field.setAttribute("aria-label", _("Label"));
  field.placeholder = _("words or first letters");
  list.setAttribute("aria-label", _("Labels"));
  let at = 0;
  const show = () => {
    at = 0;
    list.replaceChildren(...found(field.value, lastUsed(person)).slice(0, SHOWN).map(option));
    mark(field, list, at);
  };
  const take = (item) => {
    if (!item) return;
    const name = item.dataset.name;
    const used = [name, ...lastUsed(person).filter((one) => one !== name)].slice(0, LAST_USED);
    localStorage.setItem(usedKey(person), JSON.stringify(used));
    box.remove();
    pick(name);
  };
  field.addEventListener("input", show);
  field.addEventListener("keydown", (event) => {
    if (composing(event)) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && list.children.length) {
      at = (at + step + list.children.length) % list.children.length;
      mark(field, list, at);
    } else if (event.key === "Enter") take(list.children[at]);
    else if (event.key === "Escape") box.remove();
    if (step || event.key === "Enter") event.preventDefault();
  });
  list.addEventListener("click", (event) => take(event.target.closest("li")));
  ready().then(show);
  show();
  field.focus();
}
