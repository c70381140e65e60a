// The page. A film is chosen by search, list, map or address, and every part shows what goes with it.
import { compareMethods, getInfo, getMap, getSimilar } from "./api.js";
import { find, make, showProblem } from "./dom.js";
import { popularity, setUpKnob } from "./knob.js";
import { addButton, filmList } from "./lists.js";
import { drawMap, markOnMap } from "./map.js";
import * as mine from "./mine.js";
import { recommend, setUpPerson } from "./person.js";
import { setUpSearch } from "./search.js";
import { setUpTabs, showTab } from "./tabs.js";

const NAMES = { exact: "Exact", lsh: "LSH", ivf: "Weak AND (ivf)" };
let shown = null; // the answer on the page
let turn = 0;

// The address contains the film, so that Back works and a link to a film can be shared.
function choose(id) {
  const wanted = `#${encodeURIComponent(id)}`;
  if (location.hash === wanted) show();
  else location.hash = wanted;
}

// With stay, the tab that is open remains open.
async function show(stay = false) {
  const id = decodeURIComponent(location.hash.slice(1));
  const now = ++turn;
  try {
    const [similar, comparison] = await Promise.all([getSimilar(id, popularity()), compareMethods(id)]);
    if (now !== turn) return;
    shown = similar;
    document.title = `${similar.query.title}: films that go with it`;
    showSimilar(similar, comparison.query);
    showMethods(comparison);
    mark();
    showProblem();
    if (!stay && find("tab-person").getAttribute("aria-selected") === "true") showTab("tab-similar");
  } catch (error) {
    if (now === turn) showProblem(error.message);
  }
}

function mark() {
  if (shown) markOnMap(shown.query.id, shown.recommendations.map((film) => film.movieId));
}

function showSimilar(answer, film) {
  find("panel-similar").replaceChildren(
    make("p", { class: "lead" }, make("span", {}, "Goes with ", make("strong", {}, film.title)), addButton(film),
      make("span", { class: "soft small" }, film.genres.join(", "))),
    filmList(answer.recommendations, choose),
    make("p", { class: "soft small" }, "Walk neighbours are the films that random walks from this film reach most often."));
}

function showMethods(comparison) {
  const exact = new Set(comparison.methods[0].recommendations.map((film) => film.movieId));
  find("panel-methods").replaceChildren(
    make("p", { class: "lead" }, make("span", {}, "Goes with ", make("strong", {}, comparison.query.title), ", by three search methods")),
    make("div", { class: "sides" }, ...comparison.methods.map((side) => make("div", {},
      make("h3", {}, NAMES[side.method]),
      make("p", { class: "facts" }, make("b", {}, side.microseconds < 1000 ? side.microseconds.toFixed(0) : (side.microseconds / 1000).toFixed(1)),
        side.microseconds < 1000 ? " µs per search · " : " ms per search · ", `recall ${(100 * side.recall).toFixed(0)} %`),
      filmList(side.recommendations, choose, { short: true, within: exact })))),
    make("p", { class: "soft small" }, "Time: median of seven searches in the index alone. Recall: share of the films of exact search that are found. The two approximate indexes are for large catalogues; on a small one the times hardly differ."));
}

async function start() {
  setUpTabs();
  setUpSearch(choose);
  addEventListener("hashchange", () => show());
  getMap().then((map) => { drawMap(map, choose); mark(); if (location.hash.length < 2) choose(map.films[0].movieId); })
    .catch((error) => { find("map").textContent = error.message; });
  if (location.hash.length > 1) show();
  else find("panel-similar").replaceChildren(make("p", { class: "soft" }, "Find a film above, or click one on the map."));
  try {
    const info = await getInfo();
    mine.load(info.dataset, info.ratings);
    setUpPerson(choose, info.ratings);
    if (info.popularity) setUpKnob(() => { show(true); recommend(choose); });
    find("info").textContent = `PinSage on ${info.dataset}: ${info.films.toLocaleString("en")} films, ${info.dimension} dimensions`;
  } catch (error) {
    showProblem(error.message);
  }
  if (matchMedia("(pointer: fine)").matches) find("query").focus({ preventScroll: true }); // on a touch screen the keyboard would cover the page
}

start();
