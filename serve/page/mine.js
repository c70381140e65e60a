// The films that a person has seen, with ratings, oldest first; kept by the browser where it allows it.
let place = "pinsage";
const MOST = 500; // the server's limit
const listeners = new Map(); // listener to the element it is for, if any

let films = [];

// Each data set has films, and ids, of its own.
export function load(dataset) {
  place = `pinsage ${dataset}`;
  try {
    const kept = JSON.parse(localStorage.getItem(place) ?? "[]");
    films = kept.filter((film) => film && film.movieId !== undefined && typeof film.title === "string");
  } catch { /* nothing kept, or not allowed */ }
}

export const all = () => films;
export const has = (id) => films.some((film) => film.movieId === id);

export function onChange(listener, element = null) {
  listeners.set(listener, element);
}

export function toggle(film) {
  if (has(film.movieId)) remove(film.movieId);
  else set([...films, { movieId: film.movieId, title: film.title, rating: 4 }].slice(-MOST));
}

export const remove = (id) => set(films.filter((film) => film.movieId !== id));
export const clear = () => set([]);
export const rate = (id, rating) => set(films.map((film) => (film.movieId === id ? { ...film, rating } : film)));

function set(changed) {
  films = changed;
  try { localStorage.setItem(place, JSON.stringify(films)); } catch { /* not allowed: for this visit only */ }
  for (const [listener, element] of listeners) {
    if (element && !element.isConnected) listeners.delete(listener);
    else listener();
  }
}
