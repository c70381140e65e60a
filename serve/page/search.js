// Search while typing: the combobox pattern of WAI-ARIA, with arrows, Enter and Escape.
import { searchTitles } from "./api.js";
import { find, make, showProblem } from "./dom.js";

const WAIT = 90; // milliseconds after a key: fast typing asks only once

export function setUpSearch(choose) {
  const input = find("query");
  const list = find("suggestions");
  let films = [];
  let at = -1;
  let timer;
  let request = new AbortController();

  function close() {
    clearTimeout(timer);
    request.abort();
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    mark(-1);
  }

  function mark(position) {
    at = position;
    for (const [i, option] of [...list.children].entries()) {
      if (films.length) option.setAttribute("aria-selected", String(i === at));
      if (i === at) option.scrollIntoView({ block: "nearest" });
    }
    if (at < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", list.children[at].id);
  }

  function take(film) {
    input.value = film.shownTitle;
    close();
    choose(film.movieId);
  }

  function show(found) {
    films = found;
    list.replaceChildren(...films.map((film, i) => make(
      "li",
      { role: "option", id: `suggestion-${i}`, "aria-selected": "false", onpointerdown: (event) => { event.preventDefault(); take(film); } },
      make("span", {}, film.shownTitle), make("span", { class: "soft small" }, film.genres.join(", ")),
    )));
    if (!films.length) list.append(make("li", { class: "none", role: "option", "aria-disabled": "true" }, "No title is like this"));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(films.length ? 0 : -1);
  }

  async function ask() {
    request.abort();
    request = new AbortController();
    try {
      show(await searchTitles(input.value, request.signal));
      showProblem();
    } catch (error) {
      if (error.name !== "AbortError") showProblem(error.message);
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    if (input.value.trim()) timer = setTimeout(ask, WAIT);
    else close();
  });
  input.addEventListener("focus", () => input.select());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const open = !list.hidden && films.length > 0;
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown" && list.hidden && input.value.trim()) ask();
    else if (open && event.key === "ArrowDown") mark((at + 1) % films.length);
    else if (open && event.key === "ArrowUp") mark((at + films.length - 1) % films.length);
    else if (open && event.key === "Enter" && at >= 0) take(films[at]);
    else if (event.key === "Enter" && input.value.trim()) ask();
    else return;
    event.preventDefault();
  });
}
