// The OpenAPI description as a page with a form for every route. Nothing is loaded from other servers.
import { find, make } from "./dom.js";

const EXAMPLES = { movie_id: "1", q: "star", k: "5" };
const BODY = { history: [{ movieId: 1, rating: 5 }, { movieId: 50, rating: 4.5 }, { movieId: 260 }], k: 5 };

function words(schema = {}) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(words).join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  if (schema.type === "array") return `list of ${words(schema.items)}${schema.maxItems ? `, at most ${schema.maxItems}` : ""}`;
  const bounds = [["minimum", "at least"], ["maximum", "at most"], ["maxLength", "length at most"]]
    .filter(([key]) => key in schema).map(([key, text]) => `${text} ${schema[key]}`);
  return [schema.type ?? "anything", ...bounds].join(", ");
}

function route(path, verb, operation) {
  const parameters = operation.parameters ?? [];
  const fields = parameters.map((p) => make("input", { name: p.name, value: EXAMPLES[p.name] ?? p.schema.default ?? "", autocomplete: "off", size: 14 }));
  const body = operation.requestBody && make("textarea", { "aria-label": "body", spellcheck: "false" }, JSON.stringify(BODY, null, 1));
  const output = make("pre", { hidden: true, tabindex: "0", role: "status" });
  const send = async (event) => {
    event.preventDefault();
    let address = path;
    const query = new URLSearchParams();
    parameters.forEach((p, i) => {
      if (p.in === "path") address = address.replace(`{${p.name}}`, encodeURIComponent(fields[i].value));
      else if (fields[i].value !== "") query.set(p.name, fields[i].value);
    });
    if (query.size) address += `?${query}`;
    const started = performance.now();
    const response = await fetch(address, { method: verb.toUpperCase(), ...(body && { body: body.value, headers: { "content-type": "application/json" } }) });
    const text = await response.text();
    const took = (performance.now() - started).toFixed(0);
    output.textContent = `${verb.toUpperCase()} ${address}\n${response.status} in ${took} ms\n\n${pretty(text)}`;
    output.hidden = false;
  };
  const ok = operation.responses["200"].content?.["application/json"]?.schema;
  return make("section", { class: "card" },
    make("h2", {}, make("span", { class: "verb" }, verb.toUpperCase()), make("code", {}, path)),
    make("div", {}, operation.description ?? operation.summary),
    make("table", {}, ...parameters.map((p) => make("tr", {}, make("th", {}, make("code", {}, p.name)), make("td", {}, `${words(p.schema)}${p.required ? "" : ", optional"}`), make("td", { class: "soft" }, p.description ?? ""))),
      body ? make("tr", {}, make("th", {}, "body"), make("td", {}, words(operation.requestBody.content["application/json"].schema)), make("td")) : null,
      make("tr", {}, make("th", {}, "answer"), make("td", {}, words(ok)), make("td"))),
    make("form", { onsubmit: send },
      make("div", { class: "fields" }, ...fields.map((field) => make("label", {}, field.name, field))), body,
      make("button", { "aria-label": `try ${verb} ${path}` }, "Try it"), output));
}

function pretty(text) {
  try {
    const shown = JSON.stringify(JSON.parse(text), null, 1);
    return shown.length > 20000 ? `${shown.slice(0, 20000)}\n…` : shown;
  } catch {
    return text;
  }
}

const description = await (await fetch("/openapi.json")).json();
find("title").textContent = description.info.title;
find("about").textContent = description.info.description;
for (const [path, verbs] of Object.entries(description.paths)) {
  for (const [verb, operation] of Object.entries(verbs)) find("routes").append(route(path, verb, operation));
}
for (const [name, schema] of Object.entries(description.components.schemas)) {
  if (!schema.properties) continue;
  find("schemas").append(make("section", { class: "card", id: name },
    make("h2", {}, make("code", {}, name)), make("p", { class: "soft small" }, schema.description ?? ""),
    make("table", {}, ...Object.entries(schema.properties).map(([key, value]) => make("tr", {}, make("th", {}, make("code", {}, key)), make("td", {}, words(value)))))));
}
