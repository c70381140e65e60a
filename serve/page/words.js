// What one item is called, and several: films, unless the data say otherwise.
export const words = { item: "film", items: "films" };

export function setWords(given) {
  Object.assign(words, given);
  for (const place of document.querySelectorAll("[data-word]")) {
    const kind = place.dataset.word;
    place.textContent = kind === "Items" ? capital(words.items) : words[kind];
  }
}

export const counted = (number) => `${number.toLocaleString("en")} ${number === 1 ? words.item : words.items}`;

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
