// Ticks all jobs of the page at once, and keeps the list as it is while any is ticked.
"use strict";
(() => {
  const boxes = () => [...document.querySelectorAll("input.action-select")];
  const chosen = () =>
    boxes().some((box) => box.checked) ||
    document.getElementById("bgtasks-all")?.checked;

  function pause(wanted) {
    const toggle = document.querySelector("[data-bgtasks-toggle]");
    const paused = toggle?.getAttribute("aria-pressed") === "true";
    if (toggle && !toggle.hidden && paused !== wanted) {
      toggle.click();
    }
  }

  function show() {
    const all = document.getElementById("bgtasks-tick-all");
    if (all) {
      all.hidden = false;
    }
  }

  document.addEventListener("change", (event) => {
    const { target } = event;
    if (target.id === "bgtasks-tick-all") {
      for (const box of boxes()) {
        box.checked = target.checked;
      }
    }
    if (target.matches("input.action-select, #bgtasks-all, #bgtasks-tick-all")) {
      pause(Boolean(chosen()));
    }
  });
  document.addEventListener("bgtasks:fresh", show);
  show();
})();
