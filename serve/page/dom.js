// Elements from a tag, properties and children; text is always text, never markup.
const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "circle", "text"]);

export function make(tag, properties = {}, ...children) {
  const element = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const find = (id) => document.getElementById(id);

export function showProblem(line) {
  find("problem").textContent = line ?? "";
  find("problem").hidden = !line;
}

// A tip above an element of the map, kept inside the window.
export function showTip(element, words) {
  const tip = find("tip");
  tip.hidden = !element;
  if (!element) return;
  tip.textContent = words;
  const box = element.getBoundingClientRect();
  const left = box.x + box.width / 2 - tip.offsetWidth / 2;
  const above = box.y - tip.offsetHeight - 8;
  tip.style.left = `${Math.min(Math.max(left, 6), innerWidth - tip.offsetWidth - 6)}px`;
  tip.style.top = `${above > 6 ? above : box.bottom + 8}px`;
}
