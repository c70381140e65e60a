// The controls of every list: how well known, how varied, how many, and which search finds them.
import { change } from "./address.js";
import { find, make } from "./dom.js";

export const NAMES = { exact: "Exact", lsh: "LSH", ivf: "Weak AND (ivf)" };
const WORDS = {
  popularity: (value) => ["surprising ones", "less known ones", "as trained", "known ones", "well-known ones"][2 + Math.sign(value) + Math.trunc(value)],
  diversity: (value) => (value === 0 ? "the best ones" : value < 0.5 ? "some variety" : value < 1 ? "much variety" : "as varied as can be"),
};

export function setUpChoices(info) {
  find("popularity-knob").hidden = !info.popularity;
  find("method").replaceChildren(...info.methods.map((name) => make("option", { value: name === info.method ? "" : name }, NAMES[name])));
  find("compared").options[0].textContent = `this ${info.words.item}`;
  for (const name of Object.keys(WORDS)) {
    find(name).addEventListener("input", () => say(name));
    find(name).addEventListener("change", () => change({ [name]: find(name).value }));
  }
  for (const name of ["k", "method", "compared"]) find(name).addEventListener("change", () => change({ [name]: find(name).value }));
}

// The controls as the address has them.
export function showChoices(state) {
  for (const name of Object.keys(WORDS)) { find(name).value = state[name]; say(name); }
  const k = find("k");
  if (![...k.options].some((option) => option.value === state.k)) k.append(make("option", {}, state.k));
  k.value = state.k;
  find("method").value = state.method;
  find("compared").value = state.compared;
}

const say = (name) => { find(`${name}-words`).textContent = WORDS[name](Number(find(name).value)); };
