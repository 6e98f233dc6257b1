// Texts of the scripts, in the page's language. They stand here in English; the page brings what they are in another.

const others = JSON.parse(document.body.dataset.words ?? "{}");

// A text with its `%(name)s` filled in.
export function _(text, values = {}) {
  return (others[text] ?? text).replace(/%\((\w+)\)s/g, (__, name) => String(values[name] ?? ""));
}

export const number = (value) => value.toLocaleString(document.documentElement.lang);
