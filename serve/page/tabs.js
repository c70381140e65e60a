// Tabs by the pattern of WAI-ARIA: the Tab key stops once, arrows move between them.
import { find } from "./dom.js";

const all = [...document.querySelectorAll('[role="tab"]')];

export function showTab(name) {
  for (const tab of all) {
    const chosen = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    find(tab.getAttribute("aria-controls")).hidden = !chosen;
  }
}

// The chosen tab is told by its name.
export function setUpTabs(chosen) {
  const name = (tab) => tab.id.replace("tab-", "");
  for (const tab of all) {
    tab.addEventListener("click", () => chosen(name(tab)));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const tabs = all.filter((one) => !one.hidden);
      const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
      chosen(name(next));
      next.focus();
    });
  }
}
