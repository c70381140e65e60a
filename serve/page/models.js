// One question, answered by two models. What only one of them finds is marked, and how far the others moved.
import { compareModels, compareModelsFor } from "./api.js";
import { find, make } from "./dom.js";
import { filmList } from "./lists.js";
import { leadOfList, myHistory, needsFilms } from "./person.js";
import { lead } from "./similar.js";
import { counted } from "./words.js";

export async function showModels(state, choose, isNow) {
  const history = state.compared === "person" ? myHistory() : null;
  if (history?.length === 0) {
    find("panel-models").replaceChildren(needsFilms());
    return;
  }
  const comparison = await (history ? compareModelsFor(history, state) : compareModels(state));
  if (!isNow()) return;
  const [first, second] = comparison.models.map((side) => new Map(side.recommendations.map((film) => [film.movieId, film.rank])));
  const both = [...first.keys()].filter((id) => second.has(id)).length;
  find("panel-models").replaceChildren(
    history ? leadOfList(history) : lead(comparison.query, ", by two models"),
    make("p", { class: "soft small" }, `${counted(both)} in both lists. What differs is marked.`),
    make("div", { class: "sides two" }, ...comparison.models.map((side, place) => make("div", {},
      make("h2", {}, side.name),
      filmList(side.recommendations, choose, { short: true, mark: (film) => moved(film.rank, [second, first][place].get(film.movieId)) })))));
}

function moved(rank, there) {
  if (there === undefined) return "only here";
  return rank === there ? null : `no. ${there} there`;
}
