// Keeps a job's state, progress and attempts up to date, and shows the page anew
// when it has finished.
const box = document.querySelector("[data-poll]");
let pause = 150;

function show(job) {
  const state = box.querySelector(".state");
  if (state.textContent !== job.state) {
    state.textContent = job.state;
    state.dataset.state = job.state;
    pause = 150;
  }
  if (job.progress) {
    const { done, total } = job.progress;
    const bar = box.querySelector("progress");
    box.querySelector(".bar").hidden = false;
    if (total) {
      bar.max = total;
      bar.value = done;
    } else {
      bar.removeAttribute("value");
    }
    box.querySelector(".count").textContent = total ? `${done} of ${total}` : done;
  }
  box.querySelector(".attempts").replaceChildren(
    ...job.attempts.map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }),
  );
}

async function showEnd() {
  const page = await (await fetch(location)).text();
  const main = new DOMParser().parseFromString(page, "text/html").querySelector("main");
  // What the visitor was told is told once, and was told this page.
  main.prepend(...document.querySelectorAll("main > .note"));
  document.querySelector("main").replaceWith(main);
}

async function poll() {
  try {
    const response = await fetch(box.dataset.poll);
    if (response.status === 404) return;
    const job = await response.json();
    show(job);
    if (job.finished) {
      await showEnd();
      return;
    }
  } catch {
    // The server may be away for a moment: ask again.
  }
  pause = Math.min(pause * 1.1, 2000);
  setTimeout(poll, pause);
}

if (!("finished" in box.dataset)) setTimeout(poll, pause);
