// What a key means: by its character, whatever Caps Lock says; where the layout has none of ours, by its place.

const PLACE = /^(?:Key|Digit)(\w)$/;

export function named(event) {
  const { key, shiftKey } = event;
  const place = PLACE.exec(event.code)?.[1];
  if (key.length !== 1) return key;
  if (/\d/.test(place) && !shiftKey) return place; // the row of digits, e.g. of a French layout
  const letter = /[a-z]/i.test(key) ? key : place && !/[\x20-\x7e]/.test(key) ? place : null;
  if (letter === null) return key;
  return shiftKey ? letter.toUpperCase() : letter.toLowerCase();
}

// Somebody writes a word with an input method: its keys are no commands. Safari ends that before its last key.
export const composing = (event) => event.isComposing || event.keyCode === 229;
