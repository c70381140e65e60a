"use strict";
// Titles of points become tips that show at once, for a pointer and for touch.
const tip = document.getElementById("tip");
for (const title of document.querySelectorAll("svg title")) {
  const point = title.parentNode;
  point.dataset.tip = title.textContent;
  title.remove();
}
document.addEventListener("pointerover", (event) => {
  const words = event.target.dataset?.tip;
  tip.hidden = !words;
  if (!words) return;
  tip.textContent = words;
  const box = event.target.getBoundingClientRect();
  const left = Math.min(Math.max(box.x + box.width / 2 - tip.offsetWidth / 2, 6), innerWidth - tip.offsetWidth - 6);
  const above = box.y - tip.offsetHeight - 8;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 6 ? above : box.bottom + 8}px`;
});
document.addEventListener("scroll", () => { tip.hidden = true; }, true);

// A name in the legend highlights its line.
const legend = document.getElementById("methods");
const lines = [...document.querySelectorAll("#length .line")];
for (const [name, on] of [["pointerover", true], ["pointerout", false]]) {
  legend.addEventListener(name, (event) => {
    const method = event.target.closest("[data-name]")?.dataset.name;
    lines[0].parentNode.classList.toggle("picking", on && method !== undefined);
    for (const line of lines) line.classList.toggle("picked", line.dataset.name === method);
  });
}

// Films whose titles contain the typed text are highlighted on the map.
const map = document.querySelector("svg.map");
document.getElementById("find").addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  let hits = 0;
  for (const film of map.children) {
    const hit = wanted !== "" && film.dataset.tip.split("\n")[0].toLowerCase().includes(wanted);
    film.classList.toggle("hit", hit);
    hits += hit;
  }
  map.classList.toggle("finding", hits > 0);
  const { one, many } = event.target.dataset;
  document.getElementById("found").textContent = wanted && `${hits} ${hits === 1 ? one : many}`;
});
