/** What Enter means in a field. */

/** Returns whether a key press sends: Enter alone, not while an input method composes, and with a keyboard. */
export function sends(event: KeyboardEvent): boolean {
  // On macOS the Enter that confirms a candidate comes after the composition, with this code.
  const composing = event.isComposing || event.keyCode === 229;
  return event.key === "Enter" && !event.shiftKey && !composing && !touchOnly();
}

function touchOnly(): boolean {
  return matchMedia("(pointer: coarse) and (not (any-pointer: fine))").matches;
}
