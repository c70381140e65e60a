// A link with the visitor's list, made only if the visitor asks; and the list of a link that somebody opens.
import { getFilm } from "./api.js";
import { change, isForList, linkTo, state } from "./address.js";
import { find } from "./dom.js";
import * as mine from "./mine.js";

let opened = ""; // the list of the address that is shown

export function setUpShare() {
  find("share").addEventListener("click", () => {
    const seen = mine.all().map(({ movieId, rating }) => `${movieId}:${rating}`);
    find("link").value = linkTo({ tab: isForList(state()) ? state().tab : "person", seen });
    find("link-place").hidden = false;
    find("link").select();
  });
  find("keep").addEventListener("click", () => { mine.keep(); leave(); });
  find("give-back").addEventListener("click", () => { mine.giveBack(); leave(); });
  mine.onChange(() => { find("lent").hidden = !mine.isLent(); find("link-place").hidden = true; });
}

function leave() {
  opened = "";
  change({ seen: [] });
  find("mine-title").focus();
}

// Shows the list of the address, if it has one.
export async function openList({ seen }) {
  const wanted = seen.join("\n");
  if (wanted === opened) return;
  opened = wanted;
  if (!wanted) { mine.giveBack(); return; }
  const films = await Promise.all(seen.map(async (text) => {
    const colon = text.lastIndexOf(":"); // an id may have colons, too
    const film = await getFilm(text.slice(0, colon));
    return { movieId: film.movieId, title: film.shownTitle, rating: Number(text.slice(colon + 1)) };
  }));
  if (state().seen.join("\n") === wanted) mine.lend(films);
}
