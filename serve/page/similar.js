// What goes with a film.
import { find, make } from "./dom.js";
import { addButton, columnList, filmList } from "./lists.js";

export function showSimilar(answer, film, choose) {
  find("panel-similar").replaceChildren(
    lead(film),
    columnList(film.columns) ?? "",
    filmList(answer.recommendations, choose),
    nothing(answer) ?? "");
}

// The film that is asked about, as a panel begins.
export function lead(film, more = "") {
  return make("p", { class: "lead" }, make("span", {}, "Goes with ", make("strong", {}, film.shownTitle), more), addButton(film),
    make("span", { class: "soft small" }, film.genres.join(", ")));
}

export const nothing = (answer) => (answer.recommendations.length ? null : make("p", { class: "soft" }, "Nothing fulfils the conditions."));
