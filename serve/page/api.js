// The JSON API. An error is thrown with the line that the server sends.
async function answer(path, options) {
  let response;
  try {
    response = await fetch(`/api${path}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is it still running?");
  }
  const content = await response.json();
  if (!response.ok) throw new Error(content.error);
  return content;
}

const film = (id) => `/movies/${encodeURIComponent(id)}`;

// What the state of the page asks of every list.
function choices({ k, method, popularity, diversity, where }) {
  const condition = where.map((one) => `(${one})`).join(" and ");
  return { k: Number(k), popularity: Number(popularity), diversity: Number(diversity), ...(method && { method }), ...(condition && { where: condition }) };
}

const query = (wanted) => new URLSearchParams(choices(wanted)).toString();

export const getInfo = () => answer("/info");
export const getMap = () => answer("/map");
export const getColumns = () => answer("/columns");
export const getFilm = (id) => answer(film(id));
export const searchTitles = (typed, signal) => answer(`/search?q=${encodeURIComponent(typed)}`, { signal });
export const getSimilar = (wanted) => answer(`${film(wanted.film)}/recommendations?${query(wanted)}`);
export const compareModels = (wanted) => answer(`${film(wanted.film)}/models?${query({ ...wanted, method: "" })}`);
export const compareMethods = (wanted) => answer(`${film(wanted.film)}/methods?k=${wanted.k}`);

const ask = (path, history, wanted) => answer(path, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ history, ...choices({ ...wanted, method: "" }) }),
});

export const recommendFor = (history, wanted) => ask("/recommendations", history, wanted);
export const compareModelsFor = (history, wanted) => ask("/recommendations/models", history, wanted);
