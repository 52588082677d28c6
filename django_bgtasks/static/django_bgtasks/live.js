// Keeps frames of the admin's pages fresh: asks for a frame's fragment anew every few
// seconds, while the tab is seen, and puts it in the place of the one before.
"use strict";
(() => {
  const EVERY = 5000;
  const HEADER = { "X-Bgtasks-Refresh": "1" };

  class Frame {
    constructor(element) {
      this.url = element.dataset.bgtasksLive;
      this.fragment = element.querySelector("[data-bgtasks-fragment]");
      this.state = element.querySelector("[data-bgtasks-state]");
      this.toggle = element.querySelector("[data-bgtasks-toggle]");
      this.timer = null;
      this.asking = false;
      this.ended = false;
      this.paused = false;
      this.toggle.hidden = false;
      this.toggle.addEventListener("click", () => this.setPaused(!this.paused));
      document.addEventListener("visibilitychange", () => this.seenOrHidden());
      this.wait();
    }

    setPaused(paused) {
      this.paused = paused;
      this.toggle.setAttribute("aria-pressed", String(paused));
      this.seenOrHidden();
    }

    seenOrHidden() {
      clearTimeout(this.timer);
      if (!document.hidden) {
        this.refresh();
      }
    }

    wait() {
      clearTimeout(this.timer);
      if (!this.ended && !this.paused && !document.hidden) {
        this.timer = setTimeout(() => this.refresh(), EVERY);
      }
    }

    async refresh() {
      if (this.asking || this.paused || this.ended || document.hidden) {
        return;
      }
      this.asking = true;
      try {
        const response = await fetch(this.url, {
          headers: HEADER,
          credentials: "same-origin",
          cache: "no-store",
          redirect: "manual",
        });
        if (response.type === "opaqueredirect" || response.status === 403) {
          this.end();
        } else if (!response.ok) {
          throw new Error(String(response.status));
        } else {
          const text = await response.text();
          // It may have been paused while the answer was under way.
          if (!this.paused) {
            this.replace(text);
          }
          this.say("");
        }
      } catch {
        this.say(this.state.dataset.away);
      }
      this.asking = false;
      this.wait();
    }

    end() {
      this.ended = true;
      this.toggle.hidden = true;
      this.say(this.state.dataset.gone);
    }

    say(text) {
      // What has not changed is not read out again.
      if (this.state.textContent !== text) {
        this.state.textContent = text;
      }
    }

    replace(text) {
      const before = remember(this.fragment);
      const template = document.createElement("template");
      template.innerHTML = text;
      this.fragment.replaceChildren(template.content);
      before();
      this.fragment.dispatchEvent(new CustomEvent("bgtasks:fresh", { bubbles: true }));
    }
  }

  // Returns a function that brings back the focus, what was opened, what was chosen
  // and how far was scrolled, by the elements' ids.
  function remember(root) {
    const focused = root.contains(document.activeElement) ? document.activeElement.id : "";
    const opened = new Map();
    const scrolled = new Map();
    const chosen = new Map();
    for (const each of root.querySelectorAll("details[id]")) {
      opened.set(each.id, each.open);
    }
    for (const each of root.querySelectorAll("select[id]")) {
      chosen.set(each.id, each.value);
    }
    for (const each of root.querySelectorAll(".bgtasks-wide[id]")) {
      scrolled.set(each.id, [each.scrollLeft, each.scrollTop]);
    }
    return () => {
      for (const [id, open] of opened) {
        withId(id, (each) => { each.open = open; });
      }
      for (const [id, value] of chosen) {
        withId(id, (each) => { each.value = value; });
      }
      for (const [id, [left, top]] of scrolled) {
        withId(id, (each) => { each.scrollLeft = left; each.scrollTop = top; });
      }
      if (focused) {
        withId(focused, (each) => each.focus({ preventScroll: true }));
      }
    };
  }

  function withId(id, act) {
    const element = document.getElementById(id);
    if (element) {
      act(element);
    }
  }

  for (const element of document.querySelectorAll("[data-bgtasks-live]")) {
    new Frame(element);
  }
  // A purge goes on by itself.
  document.querySelector("form[data-bgtasks-go-on]")?.requestSubmit();
})();
