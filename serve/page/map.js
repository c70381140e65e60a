// The map: a click chooses a film; arrows move to the nearest film in their direction, Enter chooses.
import { find, make, showTip } from "./dom.js";

const LANDMARKS = 14;
const CLEAR = 90; // smallest distance between two names, in units of the map
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const circles = new Map(); // by film id
let films = [];
let svg;

export function drawMap(map, choose) {
  films = map.films;
  svg = make("svg", {
    viewBox: `0 0 ${map.width} ${map.height}`, tabindex: "0", role: "listbox",
    "aria-label": "Map. Arrows move from point to point, Enter chooses one.",
  });
  films.forEach((film, i) => {
    const words = `${film.shownTitle}\n${film.genres.join(", ")}`;
    film.words = words;
    circles.set(film.movieId, make("circle", {
      id: `film-${i}`, role: "option", "aria-label": film.shownTitle, "aria-selected": "false", cx: film.x, cy: film.y, r: 6,
      class: film.genre < map.genres.length ? `c${film.genre}` : "other",
      onclick: () => choose(film.movieId),
      onpointerenter: (event) => showTip(event.target, words),
      onpointerleave: () => showTip(null),
    }));
  });
  svg.append(...[...circles.values()].reverse(), ...landmarks(map));
  walkByKeys(choose);
  find("map").replaceChildren(svg);
  find("genres").replaceChildren(...map.genres.map((name, i) => make("span", { class: `c${i}` }, make("i", { class: "swatch" }), name)),
    make("span", { class: "other" }, make("i", { class: "swatch" }), "other"));
}

// The names of a few of the most-rated films, away from each other and from the edge.
function landmarks(map) {
  const named = [];
  for (const film of films) {
    const apart = named.every((other) => Math.abs(other.y - film.y) > 26 && Math.hypot(other.x - film.x, other.y - film.y) > CLEAR);
    if (apart && film.x > 110 && film.x < map.width - 110 && film.y > 30) named.push(film);
    if (named.length === LANDMARKS) break;
  }
  return named.map((film) => make("text", { class: "landmark", x: film.x, y: film.y - 10, "aria-hidden": "true" }, shortTitle(film.shownTitle)));
}

function shortTitle(title) {
  const name = title.replace(/\s*\(\d{4}\)$/, "");
  return name.length > 26 ? `${name.slice(0, 25).trimEnd()}…` : name;
}

function walkByKeys(choose) {
  let here = films[0];
  const go = (film) => {
    for (const circle of svg.querySelectorAll(".here")) circle.classList.remove("here");
    here = film;
    const circle = circles.get(film.movieId);
    circle.classList.add("here");
    svg.setAttribute("aria-activedescendant", circle.id);
    find("here").textContent = film.words.trim().replace("\n", " · ");
    showTip(circle, film.words);
  };
  svg.addEventListener("focus", () => { if (svg.matches(":focus-visible")) go(films.find((f) => circles.get(f.movieId).classList.contains("asked")) ?? here); });
  svg.addEventListener("blur", () => showTip(null));
  svg.addEventListener("keydown", (event) => {
    if (event.key === "Enter") choose(here.movieId);
    else if (event.key in DIRECTIONS) go(nearest(here, DIRECTIONS[event.key]) ?? here);
    else return;
    event.preventDefault();
  });
}

// The film that is nearest in a direction; being off to the side counts double.
function nearest(from, [right, down]) {
  let best = null;
  let least = Infinity;
  for (const film of films) {
    const [dx, dy] = [film.x - from.x, film.y - from.y];
    const ahead = dx * right + dy * down;
    const aside = Math.abs(dx * down) + Math.abs(dy * right);
    const cost = ahead + 2 * aside;
    if (ahead > 0 && aside <= 2 * ahead && cost < least) [best, least] = [film, cost];
  }
  return best;
}

export function markOnMap(asked, found) {
  if (!svg) return;
  svg.classList.add("asking");
  for (const circle of circles.values()) {
    circle.classList.remove("asked", "found");
    circle.setAttribute("aria-selected", "false");
  }
  for (const text of svg.querySelectorAll("text.name")) text.remove();
  for (const id of found) circles.get(id)?.classList.add("found");
  const circle = circles.get(asked);
  if (!circle) return;
  circle.classList.add("asked");
  circle.setAttribute("aria-selected", "true");
  const film = films.find((other) => other.movieId === asked);
  const x = Math.min(Math.max(film.x, 110), 890);
  for (const text of svg.querySelectorAll(".landmark")) {
    const away = Math.hypot(text.getAttribute("x") - film.x, text.getAttribute("y") - film.y);
    text.classList.toggle("hidden", away < CLEAR);
  }
  find("map").scrollLeft = (film.x / 1000) * find("map").scrollWidth - find("map").clientWidth / 2;
  svg.append(make("text", { class: "name", x, y: film.y < 30 ? film.y + 24 : film.y - 12, "aria-hidden": "true" }, shortTitle(film.shownTitle)));
}
