// Films in rows: title, genres, reason, score, and a button that adds the film to the visitor's films.
import { make } from "./dom.js";
import * as mine from "./mine.js";

export function filmList(films, choose, { short = false, within = null } = {}) {
  return make("ol", { class: "films" }, ...films.map((film) => make(
    "li",
    { class: within && !within.has(film.movieId) ? "missed" : "" },
    make("span", { class: "rank" }, String(film.rank)),
    make("div", {},
      make("button", { class: "title", onclick: () => choose(film.movieId) }, film.title),
      short ? null : make("div", { class: "about" }, film.genres.join(", ") || "no genres", film.reason ? " · " : "", make("em", {}, film.reason ?? ""))),
    make("span", { class: "score", title: "score, which decides the order" }, film.score.toFixed(3)),
    short ? null : addButton(film),
  )));
}

export function addButton(film) {
  const button = make("button", { class: "add", "data-film": film.movieId, onclick: () => mine.toggle(film) });
  label(button, film);
  mine.onChange(() => label(button, film), button);
  return button;
}

function label(button, film) {
  const has = mine.has(film.movieId);
  button.textContent = has ? "✓" : "+";
  button.setAttribute("aria-pressed", String(has));
  button.setAttribute("aria-label", `${film.title}: ${has ? "one of your films" : "add to your films"}`);
}
