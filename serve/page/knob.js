// The control from surprising to well-known films. It is shown where the model knows popularity.
import { find } from "./dom.js";

const WORDS = ["surprising films", "less known films", "as trained", "known films", "well-known films"];

export const popularity = () => Number(find("popularity").value);

export function setUpKnob(listener) {
  const input = find("popularity");
  find("knob").hidden = false;
  input.addEventListener("input", () => { find("knob-words").textContent = words(); });
  input.addEventListener("change", listener);
}

// -1 and 1 are the ends; all between an end and 0 has one name.
const words = () => WORDS[2 + Math.sign(popularity()) + Math.trunc(popularity())];
