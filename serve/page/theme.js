// Dark or light: as the system is, or as the visitor chose. It runs before the page is drawn, so that nothing flashes.
(() => {
  const PLACE = "pinsage theme";
  const root = document.documentElement;
  let chosen = "";
  try { chosen = localStorage.getItem(PLACE) ?? ""; } catch { /* not allowed: as the system is */ }
  root.dataset.theme = chosen;
  addEventListener("DOMContentLoaded", () => {
    const select = document.getElementById("theme");
    if (!select) return;
    select.value = chosen;
    select.addEventListener("change", () => {
      root.dataset.theme = select.value;
      try { localStorage.setItem(PLACE, select.value); } catch { /* it lasts for this visit only */ }
    });
  });
})();
