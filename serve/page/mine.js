// The films that the visitor has seen, with ratings, oldest first. The browser keeps them if it allows that.
let place = "pinsage";
let usual = 4; // the rating of a film that is added
const MAX = 500; // the server's limit
const listeners = new Map(); // listener to the element it is for, if any

let films = [];

// Each data set has its own films, ids and scale of ratings. The ratings offered are in falling order.
export function load(dataset, ratings) {
  place = ratings[0] === 5 ? `pinsage ${dataset}` : `pinsage ${dataset} of ${ratings[0]}`;
  usual = ratings.find((rating) => rating <= 0.8 * ratings[0]) ?? ratings[0];
  try {
    const kept = JSON.parse(localStorage.getItem(place) ?? "[]");
    const isId = (id) => typeof id === "string" || Number.isSafeInteger(id);
    films = kept.filter((film) => film && isId(film.movieId) && typeof film.title === "string");
  } catch { /* nothing is kept, or it is not allowed */ }
}

export const all = () => films;
export const has = (id) => films.some((film) => film.movieId === id);

export function onChange(listener, element = null) {
  listeners.set(listener, element);
}

export function toggle(film) {
  if (has(film.movieId)) remove(film.movieId);
  else set([...films, { movieId: film.movieId, title: film.title, rating: usual }].slice(-MAX));
}

export const remove = (id) => set(films.filter((film) => film.movieId !== id));
export const clear = () => set([]);
export const rate = (id, rating) => set(films.map((film) => (film.movieId === id ? { ...film, rating } : film)));

function set(changed) {
  films = changed;
  try { localStorage.setItem(place, JSON.stringify(films)); } catch { /* not allowed: the list lasts for this visit only */ }
  for (const [listener, element] of listeners) {
    if (element && !element.isConnected) listeners.delete(listener);
    else listener();
  }
}
