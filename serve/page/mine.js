// The films that the visitor knows, with ratings, oldest first. The browser keeps them if it allows that.
let place = "pinsage";
let usual = 4; // the rating of a film that is added
const MAX = 500; // the server's limit
const listeners = new Map(); // listener to the element it is for, if any

let films = [];
let lent = false; // whether the list came with a link; then the browser keeps the visitor's own

// Each data set has its own films, ids and scale of ratings. The ratings offered are in falling order.
export function load(dataset, ratings) {
  place = ratings[0] === 5 ? `pinsage ${dataset}` : `pinsage ${dataset} of ${ratings[0]}`;
  usual = ratings.find((rating) => rating <= 0.8 * ratings[0]) ?? ratings[0];
  films = kept();
}

function kept() {
  try {
    const isId = (id) => typeof id === "string" || Number.isSafeInteger(id);
    return JSON.parse(localStorage.getItem(place) ?? "[]")
      .filter((film) => film && isId(film.movieId) && typeof film.title === "string");
  } catch { return []; } // nothing is kept, or it is not allowed
}

export const all = () => films;
export const has = (id) => films.some((film) => film.movieId === id);
export const isLent = () => lent;

export function onChange(listener, element = null) {
  listeners.set(listener, element);
}

export function toggle(film) {
  if (has(film.movieId)) remove(film.movieId);
  else set([...films, { movieId: film.movieId, title: film.shownTitle, rating: usual }].slice(-MAX));
}

export const remove = (id) => set(films.filter((film) => film.movieId !== id));
export const clear = () => set([]);
export const rate = (id, rating) => set(films.map((film) => (film.movieId === id ? { ...film, rating } : film)));

// A list from elsewhere, shown in place of the visitor's own.
export function lend(given) {
  lent = true;
  set(given.map((film) => ({ ...film, rating: film.rating ?? usual })));
}

export function giveBack() {
  lent = false;
  set(kept());
}

export function keep() {
  lent = false;
  set(films);
}

function set(changed) {
  films = changed;
  if (!lent) try { localStorage.setItem(place, JSON.stringify(films)); } catch { /* not allowed: the list lasts for this visit only */ }
  for (const [listener, element] of listeners) {
    if (element && !element.isConnected) listeners.delete(listener);
    else listener();
  }
}
