// Films in rows: title, genres, reason, details, and a button that adds the film to the visitor's films.
import { make } from "./dom.js";
import * as mine from "./mine.js";

// The mark of a film is a word behind its title, and null or undefined for none.
export function filmList(films, choose, { short = false, mark = () => null } = {}) {
  return make("ol", { class: "films" }, ...films.map((film) => {
    const word = mark(film);
    return make(
      "li",
      { class: word ? "marked" : "" },
      make("span", { class: "rank" }, String(film.rank)),
      make("div", {},
        make("button", { class: "title", onclick: () => choose(film.movieId) }, film.shownTitle),
        word ? make("span", { class: "mark small" }, ` ${word}`) : null,
        short ? null : make("span", { class: "about" }, ` ${film.genres.join(", ")}`),
        short ? null : why(film)),
      short ? null : addButton(film),
    );
  }));
}

// The reason; behind it, how the network came to it.
function why(film) {
  return make("details", { class: "about" },
    make("summary", {}, film.reason),
    make("ul", {}, ...[...film.details, `score ${film.score.toFixed(3)}`].map((line) => make("li", {}, line))),
    columnList(film.columns));
}

// What the data's own columns say of a film.
export function columnList(columns) {
  const named = Object.entries(columns);
  if (!named.length) return null;
  return make("dl", { class: "columns" }, ...named.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, String(value))]));
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
  button.setAttribute("aria-label", `${film.shownTitle}: ${has ? "on your list" : "add to your list"}`);
}
