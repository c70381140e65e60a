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

export const getInfo = () => answer("/info");
export const getMap = () => answer("/map");
export const searchTitles = (typed, signal) => answer(`/search?q=${encodeURIComponent(typed)}`, { signal });
export const getSimilar = (id, popularity) => answer(`${film(id)}/recommendations?k=10&popularity=${popularity}`);
export const compareMethods = (id) => answer(`${film(id)}/methods?k=10`);
export const recommendFor = (history, popularity) => answer("/recommendations", {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ history, k: 20, popularity }),
});
