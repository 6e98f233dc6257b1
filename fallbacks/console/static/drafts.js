// What somebody types on a ticket stays with this tab until it is sent: through a cut, a sign-in, a page shown anew.

const FIELDS = "form[data-act] :is(textarea, select, input:not([type=hidden], [data-search]))";

const place = (item) => `draft:${item.dataset.person}:${item.dataset.ticket}`;
const kept = (item) => JSON.parse(sessionStorage.getItem(place(item)) ?? "{}");
const fields = (root) => [...root.querySelectorAll(FIELDS)].filter((field) => field.name);

function keep(item, drafts) {
  if (Object.keys(drafts).length) sessionStorage.setItem(place(item), JSON.stringify(drafts));
  else sessionStorage.removeItem(place(item));
}

// Its act, which of that act's forms it is in, and its name.
function address(field) {
  const act = (form) => form.getAttribute("action").split("/").pop();
  const forms = [...field.closest("#main").querySelectorAll("form[data-act]")];
  const alike = forms.filter((form) => act(form) === act(field.form));
  return `${act(field.form)}:${alike.indexOf(field.form)}:${field.name}`;
}

function asGiven(field) {
  if (field.options) return ([...field.options].find((one) => one.defaultSelected) ?? field.options[0])?.value;
  return field.defaultValue;
}

export function changed(event) {
  if (event.target === searchField()) return sessionStorage.setItem(searched(), event.target.value);
  const item = event.target.closest("#main");
  if (!item?.dataset.ticket || !event.target.matches(FIELDS) || !event.target.name) return;
  const drafts = kept(item);
  if (event.target.value === asGiven(event.target)) delete drafts[address(event.target)];
  else drafts[address(event.target)] = { text: event.target.value, typed: !event.target.options };
  keep(item, drafts);
}

// Whether something is being written on a ticket.
export const dirty = (item) => Boolean(item?.dataset.ticket) && Object.keys(kept(item)).length > 0;

// What was sent is no draft any more.
export function forget(form) {
  const item = form.closest("#main");
  if (!item?.dataset.ticket) return;
  const drafts = kept(item);
  for (const field of fields(item)) if (field.form === form) delete drafts[address(field)];
  keep(item, drafts);
}

// Into the fields of a page; what has no field on it any more is shown beside.
export function restore(item) {
  if (!item?.dataset.ticket) return;
  const left = kept(item);
  for (const field of fields(item)) {
    const draft = left[address(field)];
    delete left[address(field)];
    if (!draft || draft.text === field.value) continue;
    field.value = draft.text;
    for (let menu = field.closest("details"); menu; menu = menu.parentElement.closest("details")) menu.open = true;
  }
  const shown = item.querySelector("[data-unsent]");
  const texts = Object.values(left).filter((draft) => draft.typed).map((draft) => draft.text);
  shown.hidden = !texts.length;
  shown.querySelector("pre").textContent = texts.join("\n\n");
}

export function discard(item) {
  sessionStorage.removeItem(place(item));
  restore(item);
}

// What was typed into the search and not asked for yet.
const searched = () => `draft:${document.body.dataset.person}:search`;
const searchField = () => document.querySelector("header [name=q]");

export function restoreSearch() {
  const field = searchField();
  if (field && !field.value) field.value = sessionStorage.getItem(searched()) ?? "";
  field?.form.addEventListener("submit", () => sessionStorage.removeItem(searched()));
}

// Nobody who signs in after them finds it, by this browser's tab or its tools.
export function leave() {
  onlyOf(null);
}

export function onlyOf(person) {
  const drafts = Object.keys(sessionStorage).filter((key) => key.startsWith("draft:"));
  for (const key of drafts) if (person === null || !key.startsWith(`draft:${person}:`)) sessionStorage.removeItem(key);
}
