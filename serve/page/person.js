// The list of the visitor's films, and the films recommended for it.
import { recommendFor } from "./api.js";
import { find, make } from "./dom.js";
import { filmList } from "./lists.js";
import * as mine from "./mine.js";
import { nothing } from "./similar.js";
import { counted, words } from "./words.js";

let ratings = []; // those that can be given, best first

export function setUpPerson(choose, offered) {
  ratings = offered;
  find("clear").addEventListener("click", () => { mine.clear(); find("query").focus(); });
  mine.onChange(() => showMine(choose));
  showMine(choose);
}

function showMine(choose) {
  const focused = document.activeElement?.dataset?.rates;
  find("mine").replaceChildren(...mine.all().toReversed().map((film) => make("li", {},
    make("button", { class: "title", onclick: () => choose(film.movieId) }, film.title),
    make("select", { "aria-label": `your rating of ${film.title}`, "data-rates": film.movieId, onchange: (event) => mine.rate(film.movieId, Number(event.target.value)) },
      ...ratings.map((rating) => make("option", { value: rating, selected: rating === film.rating }, shown(rating)))),
    make("button", { class: "remove", "aria-label": `remove ${film.title} from your list`, onclick: () => { mine.remove(film.movieId); find("mine-title").focus(); } }, "×"),
  )));
  find("mine-actions").hidden = !mine.all().length;
  find("mine-hint").hidden = mine.all().length > 0;
  find("tab-person").textContent = mine.all().length ? `For you (${mine.all().length})` : "For you";
  if (focused !== undefined) document.querySelector(`[data-rates="${CSS.escape(focused)}"]`)?.focus();
}

// Stars where five are the best; else a rating with the best one, since "★ 8" would say too little.
const shown = (rating) => (ratings[0] === 5 ? `★ ${rating}` : `${rating} of ${ratings[0]}`);

export const myHistory = () => mine.all().map(({ movieId, rating }) => ({ movieId, rating }));

export const needsFilms = () => make("p", { class: "soft" }, `Add ${words.items} that you know with +. What is recommended to you then appears here.`);

// How a panel for the visitor's list begins.
export const leadOfList = (history) => make("p", { class: "lead" },
  make("span", {}, `By ${counted(history.length)} of yours.${history.length > 1 ? " High ratings and later ones count more." : ""}`));

export async function showPerson(state, choose, isNow) {
  const panel = find("panel-person");
  const history = myHistory();
  if (!history.length) {
    panel.replaceChildren(needsFilms());
    return;
  }
  const answer = await recommendFor(history, state);
  if (!isNow()) return;
  const focused = panel.contains(document.activeElement);
  panel.replaceChildren(
    leadOfList(history),
    filmList(answer.recommendations, choose),
    nothing(answer) ?? "");
  if (focused) panel.querySelector("button")?.focus();
}
