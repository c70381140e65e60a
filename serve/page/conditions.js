// Conditions: each is a text of the API's language, shown as a chip; all of them hold.
import { getColumns } from "./api.js";
import { change, state } from "./address.js";
import { find, make } from "./dom.js";

let columns = [];

export async function setUpConditions() {
  columns = (await getColumns()).filter((column) => column.known && (column.lowest !== undefined || column.values?.length))
    .sort((one, other) => (other.values !== undefined) - (one.values !== undefined)); // genres first
  find("conditions").hidden = find("typed-condition").hidden = false;
  find("column").replaceChildren(...columns.map((column) => make("option", {}, column.name)));
  find("column").addEventListener("change", showValues);
  find("add-condition").addEventListener("click", () => add(chosen()));
  find("add-typed").addEventListener("click", addTyped);
  find("condition").addEventListener("keydown", (event) => { if (event.key === "Enter") addTyped(); });
  showValues();
}

export function showConditions({ where }) {
  find("chips").hidden = !where.length;
  find("chips").replaceChildren(...where.map((text, place) => make("li", {}, text,
    make("button", { class: "remove", "aria-label": `remove the condition ${text}`, onclick: () => drop(place) }, "×"))));
}

function showValues() {
  const column = columns.find((one) => one.name === find("column").value);
  const number = (id, name, value) => make("label", {}, `${name} `, make("input", { id, type: "number", step: "any", placeholder: value }));
  find("column-values").replaceChildren(...(column.kind === "number"
    ? [number("lowest", "from", column.lowest), number("highest", "to", column.highest)]
    : [make("label", {}, "that ", make("select", { id: "is" }, make("option", { value: "=" }, "is"), make("option", { value: "!=" }, "is not"))),
      make("label", {}, "", make("select", { id: "value", "aria-label": `a value of ${column.name}` },
        ...column.values.map(({ value, films }) => make("option", { value }, `${value} (${films.toLocaleString("en")})`))))]));
}

// The condition that the controls describe; empty if nothing is entered.
function chosen() {
  const name = quoted(find("column").value);
  if (find("value")) return `${name} ${find("is").value} ${quoted(find("value").value)}`;
  const ends = [[">=", find("lowest").value], ["<=", find("highest").value]];
  return ends.filter(([, value]) => value !== "").map(([sign, value]) => `${name} ${sign} ${value}`).join(" and ");
}

// A text in quotes, unless it is a plain word.
const quoted = (text) => (/^[A-Za-z]+$/.test(text) && !/^(and|or|not|in|is)$/i.test(text) ? text : `'${text.replaceAll("'", "''")}'`);

function addTyped() {
  add(find("condition").value.trim());
  find("condition").value = "";
}

function add(text) {
  if (text) change({ where: [...new Set([...state().where, text])] });
}

function drop(place) {
  change({ where: state().where.toSpliced(place, 1) });
  find("more").querySelector("summary").focus();
}
