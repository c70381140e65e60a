// The page. Its address says what it shows; every part changes the address, and is drawn anew from it.
import { change, isForList, onAddress, state } from "./address.js";
import { getFilm, getInfo, getMap, getSimilar } from "./api.js";
import { setUpChoices, showChoices } from "./choices.js";
import { setUpConditions, showConditions } from "./conditions.js";
import { find, make, showProblem } from "./dom.js";
import { drawMap, markOnMap } from "./map.js";
import { showMethods } from "./methods.js";
import * as mine from "./mine.js";
import { showModels } from "./models.js";
import { setUpPerson, showPerson } from "./person.js";
import { setUpSearch } from "./search.js";
import { openList, setUpShare } from "./share.js";
import { showSimilar } from "./similar.js";
import { setUpTabs, showTab } from "./tabs.js";
import { counted, setWords } from "./words.js";

const PANELS = { person: showPerson, methods: showMethods, models: showModels };
let shown = null; // the answer on the page
let turn = 0;

// A chosen film shows what goes with it, but for the comparisons, which stay and are then about this film.
function choose(id) {
  change({ film: String(id), compared: "film", tab: state().tab === "person" ? "similar" : state().tab });
}

async function show() {
  const now = ++turn;
  const isNow = () => now === turn;
  const wanted = state();
  showTab(wanted.tab);
  showChoices(wanted);
  showConditions(wanted);
  try {
    await openList(wanted);
    if (!isNow()) return; // the list was another one, and its listener has asked again
    const panel = (wanted.film || isForList(wanted)) && PANELS[wanted.tab]?.(wanted, choose, isNow);
    if (wanted.film) await showFilm(wanted, isNow);
    await panel;
    if (isNow()) showProblem();
  } catch (error) {
    if (isNow()) showProblem(error.message);
  }
}

async function showFilm(wanted, isNow) {
  const [similar, film] = await Promise.all([getSimilar(wanted), getFilm(wanted.film)]);
  if (!isNow()) return;
  shown = similar;
  document.title = `${film.shownTitle}: what goes with it`;
  showSimilar(similar, film, choose);
  find("said").textContent = `${counted(similar.recommendations.length)} for ${film.shownTitle}`;
  mark();
}

function mark() {
  if (shown) markOnMap(shown.query.id, shown.recommendations.map((film) => film.movieId));
}

async function start() {
  setUpTabs((tab) => change({ tab }));
  setUpSearch(choose);
  find("skip").addEventListener("click", (event) => { event.preventDefault(); find("results").focus(); });
  try {
    const info = await getInfo();
    setWords(info.words);
    setUpChoices(info);
    find("tab-models").hidden = !info.other;
    mine.load(info.dataset, info.ratings);
    setUpPerson(choose, info.ratings);
    setUpShare();
    mine.onChange(() => { if (isForList(state())) show(); });
    find("info").textContent = `PinSage on ${info.dataset}: ${counted(info.films)}, ${info.dimension} dimensions`;
    if (!state().film) find("panel-similar").replaceChildren(make("p", { class: "soft" }, `Find a ${info.words.item} above, or click one on the map.`));
    onAddress(show);
    show();
    getMap().then((map) => { drawMap(map, choose); mark(); if (!state().film) change({ film: String(map.films[0].movieId) }, { replace: true }); })
      .catch((error) => { find("map").textContent = error.message; });
    await setUpConditions();
  } catch (error) {
    showProblem(error.message);
  }
  if (matchMedia("(pointer: fine)").matches) find("query").focus({ preventScroll: true }); // on a touch screen the keyboard would cover the page
}

start();
