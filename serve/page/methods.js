// One question, answered by the three search methods.
import { compareMethods } from "./api.js";
import { NAMES } from "./choices.js";
import { find, make } from "./dom.js";
import { filmList } from "./lists.js";
import { lead } from "./similar.js";
import { words } from "./words.js";

export async function showMethods(state, choose, isNow) {
  const comparison = await compareMethods(state);
  if (!isNow()) return;
  const exact = new Set(comparison.methods[0].recommendations.map((film) => film.movieId));
  const mark = (film) => (exact.has(film.movieId) ? null : "not in exact");
  find("panel-methods").replaceChildren(
    lead(comparison.query, ", by three search methods, as trained"),
    make("div", { class: "sides" }, ...comparison.methods.map((side) => make("div", {},
      make("h2", {}, NAMES[side.method]),
      make("p", { class: "facts" }, make("b", {}, side.microseconds < 1000 ? side.microseconds.toFixed(0) : (side.microseconds / 1000).toFixed(1)),
        side.microseconds < 1000 ? " µs per search · " : " ms per search · ", `recall ${(100 * side.recall).toFixed(0)} %`),
      filmList(side.recommendations, choose, { short: true, mark })))),
    make("p", { class: "soft small" }, `Time: median of seven searches in the index alone. Recall: share of the ${words.items} of exact search that are found. The two approximate indexes are for large catalogues; on a small one the times hardly differ.`));
}
