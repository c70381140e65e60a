// Tabs by the pattern of WAI-ARIA: the Tab key stops once, arrows move between them.
import { find } from "./dom.js";

const tabs = [...document.querySelectorAll('[role="tab"]')];

export function showTab(id) {
  for (const tab of tabs) {
    const chosen = tab.id === id;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    find(tab.getAttribute("aria-controls")).hidden = !chosen;
  }
}

export function setUpTabs() {
  for (const [i, tab] of tabs.entries()) {
    tab.addEventListener("click", () => showTab(tab.id));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(i + step + tabs.length) % tabs.length];
      showTab(next.id);
      next.focus();
    });
  }
}
