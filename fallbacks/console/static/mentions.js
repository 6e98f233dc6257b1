// Names after an @ in a note: offered while they are typed, taken with Enter, Tab or a click. The text stays plain.

const SHOWN = 6;

let field = null;
let list = null;

const typed = (area) => area.value.slice(0, area.selectionStart).match(/(?:^|[^\w.@-])@([\w.@-]*)$/)?.[1] ?? null;

function close() {
  list?.remove();
  field?.removeAttribute("aria-activedescendant");
  field = list = null;
}

function choose(place) {
  const all = [...list.children];
  all.forEach((item, at) => item.setAttribute("aria-selected", String(at === place)));
  field.setAttribute("aria-activedescendant", all[place].id);
}

const chosen = () => [...list.children].findIndex((item) => item.getAttribute("aria-selected") === "true");

function take(place) {
  const name = list.children[place].textContent;
  const start = field.selectionStart - typed(field).length;
  field.setRangeText(`${name} `, start, field.selectionStart, "end");
  const area = field;
  close();
  area.dispatchEvent(new Event("input", { bubbles: true }));
  area.focus();
}

function option(name, place) {
  const item = document.createElement("li");
  item.id = `mention-${place}`;
  item.setAttribute("role", "option");
  item.textContent = name;
  item.addEventListener("mousedown", (event) => (event.preventDefault(), take(place)));
  return item;
}

function offer(area) {
  close();
  const begun = typed(area);
  if (begun === null) return;
  const names = JSON.parse(area.dataset.mentions).filter((name) => name.startsWith(begun.toLowerCase()) && name !== begun);
  if (!names.length) return;
  field = area;
  list = document.createElement("ul");
  list.id = "mentions-offered";
  list.className = "offered";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", area.dataset.offers);
  list.append(...names.slice(0, SHOWN).map(option));
  area.after(list);
  choose(0);
}

function press(event) {
  if (!list || event.target !== field || event.isComposing) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) choose((chosen() + step + list.children.length) % list.children.length);
  else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") take(chosen());
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

export function follow() {
  document.addEventListener("input", (event) => event.target.matches?.("[data-mentions]") && offer(event.target));
  document.addEventListener("keydown", press, { capture: true });
  document.addEventListener("focusout", (event) => event.target === field && close());
}
