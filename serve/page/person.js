// The list of the visitor's films, and the films recommended for it.
import { recommendFor } from "./api.js";
import { find, make, showProblem } from "./dom.js";
import { popularity } from "./knob.js";
import { filmList } from "./lists.js";
import * as mine from "./mine.js";

let ratings = []; // those that can be given, best first
let asked = 0; // counts requests: only the answer to the latest one is shown

export function setUpPerson(choose, offered) {
  ratings = offered;
  find("clear").addEventListener("click", () => { mine.clear(); find("query").focus(); });
  const refresh = () => { showMine(choose); recommend(choose); };
  mine.onChange(refresh);
  refresh();
}

function showMine(choose) {
  const focused = document.activeElement?.dataset?.rates;
  find("mine").replaceChildren(...mine.all().toReversed().map((film) => make("li", {},
    make("button", { class: "title", onclick: () => choose(film.movieId) }, film.title),
    make("select", { "aria-label": `your rating of ${film.title}`, "data-rates": film.movieId, onchange: (event) => mine.rate(film.movieId, Number(event.target.value)) },
      ...ratings.map((rating) => make("option", { value: rating, selected: rating === film.rating }, shown(rating)))),
    make("button", { class: "remove", "aria-label": `remove ${film.title} from your films`, onclick: () => { mine.remove(film.movieId); find("mine-title").focus(); } }, "×"),
  )));
  find("clear").hidden = !mine.all().length;
  find("mine-hint").hidden = mine.all().length > 0;
  find("tab-person").textContent = mine.all().length ? `For you (${mine.all().length})` : "For you";
  if (focused !== undefined) document.querySelector(`[data-rates="${CSS.escape(focused)}"]`)?.focus();
}

// Stars where five are the best; else a rating with the best one, since "★ 8" would say too little.
const shown = (rating) => (ratings[0] === 5 ? `★ ${rating}` : `${rating} of ${ratings[0]}`);

export async function recommend(choose) {
  const panel = find("panel-person");
  const history = mine.all().map(({ movieId, rating }) => ({ movieId, rating }));
  const turn = ++asked;
  if (!history.length) {
    panel.replaceChildren(make("p", { class: "soft" }, "Add films that you have seen with +. Films for you then appear here."));
    return;
  }
  try {
    const answer = await recommendFor(history, popularity());
    if (turn !== asked) return;
    const focused = panel.contains(document.activeElement);
    panel.replaceChildren(
      make("p", { class: "lead" }, make("span", {}, `For someone who has seen ${history.length === 1 ? "this film" : `these ${history.length} films. High ratings and later films count more`}.`)),
      filmList(answer.recommendations, choose));
    if (focused) panel.querySelector("button")?.focus();
    showProblem();
  } catch (error) {
    if (turn === asked) showProblem(error.message);
  }
}
