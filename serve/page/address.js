// What the page shows is in its address, behind #, which no server sees: Back works, and a link can be shared.
const USUAL = { film: "", tab: "similar", compared: "film", k: "10", method: "", popularity: "0", diversity: "0" };
const SEVERAL = ["where", "seen"]; // may occur several times

let now = parse();
let listener = () => {};

export const state = () => now;

// The listener hears of every change, whether by the page, by Back or by a typed address.
export function onAddress(heard) {
  listener = heard;
  addEventListener("popstate", () => { now = parse(); listener(now); });
}

// With replace, Back does not return to what was shown before.
export function change(changes, { replace = false } = {}) {
  now = { ...now, ...changes };
  const wanted = text(now);
  if (wanted !== location.hash) history[replace ? "replaceState" : "pushState"](null, "", wanted || location.pathname);
  listener(now);
}

// Whether what is shown is for the visitor's list.
export const isForList = ({ tab, compared }) => tab === "person" || (tab === "models" && compared === "person");

// The address of the page with changes.
export const linkTo = (changes) => location.href.split("#")[0] + text({ ...now, ...changes });

function parse() {
  const typed = location.hash.slice(1);
  // A link of an earlier version is the id of a film alone.
  const given = new URLSearchParams(typed && !typed.includes("=") ? `film=${typed}` : typed);
  const read = { ...USUAL };
  for (const name of Object.keys(USUAL)) read[name] = given.get(name) ?? USUAL[name];
  for (const name of SEVERAL) read[name] = given.getAll(name);
  return read;
}

function text(wanted) {
  const params = new URLSearchParams();
  for (const name of Object.keys(USUAL)) if (wanted[name] !== USUAL[name]) params.set(name, wanted[name]);
  for (const name of SEVERAL) for (const value of wanted[name]) params.append(name, value);
  return params.size ? `#${params}` : "";
}
