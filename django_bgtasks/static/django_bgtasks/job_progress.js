// Follows the jobs that {% job_progress %} has drawn. A site may listen for
// bgtasks:progress, bgtasks:finished and bgtasks:gone, which bubble; their detail is
// the job's status. A module, so that it runs once however many bars a page has.

// Browsers hold few connections to one server over HTTP/1.1, and a page needs some.
const MOST_STREAMS = 2;
// Milliseconds: until a silent stream counts as held back by something on the way;
// the shortest and the longest pause between questions, and that of a hidden page.
const SILENCE = 5000;
const SHORTEST = 250;
const LONGEST = 2000;
const HIDDEN = 10000;

let streams = 0;

class JobProgress extends HTMLElement {
  connectedCallback() {
    const { statusUrl, eventsUrl } = this.dataset;
    if (!statusUrl || this.over) return;
    this.words = JSON.parse(this.dataset.words);
    this.numbers = this.numberFormat();
    if (eventsUrl && streams < MOST_STREAMS) this.listen();
    else this.ask();
  }

  disconnectedCallback() {
    this.stop();
  }

  listen() {
    const source = new EventSource(this.dataset.eventsUrl);
    this.source = source;
    streams += 1;
    const silence = setTimeout(() => this.askInstead(), SILENCE);
    const heard = (take) => (event) => {
      clearTimeout(silence);
      take(JSON.parse(event.data));
    };
    source.addEventListener("status", heard((job) => this.show(job)));
    source.addEventListener("finished", heard((job) => this.show(job)));
    source.addEventListener("gone", heard(() => this.lose("gone")));
    source.addEventListener("error", () => {
      // While the connection is only lost the browser makes it anew by itself.
      if (source.readyState === EventSource.CLOSED) this.askInstead();
    });
  }

  askInstead() {
    if (!this.source) return;
    this.stop();
    this.ask();
  }

  async ask() {
    this.pause ??= SHORTEST;
    const asked = (this.asked = new AbortController());
    try {
      const response = await fetch(this.dataset.statusUrl, {
        cache: "no-store",
        signal: asked.signal,
      });
      if (response.status === 403) return this.lose("refused");
      if (response.status === 404) return this.lose("gone");
      if (response.ok) this.show(await response.json());
    } catch {
      // The server may be away for a moment: ask again.
    }
    if (asked.signal.aborted) return;
    const pause = document.hidden ? HIDDEN : this.pause;
    this.pause = Math.min(this.pause * 1.25, LONGEST);
    this.timer = setTimeout(() => this.ask(), pause);
  }

  stop() {
    if (this.source) {
      this.source.close();
      this.source = null;
      streams -= 1;
    }
    this.asked?.abort();
    clearTimeout(this.timer);
  }

  show(job) {
    const seen = JSON.stringify(job);
    if (seen !== this.seen) {
      this.seen = seen;
      this.pause = SHORTEST;
      this.draw(job);
      this.tell("bgtasks:progress", job);
    }
    if (job.finished) {
      this.over = true;
      this.stop();
      this.tell("bgtasks:finished", job);
    }
  }

  lose(state) {
    this.over = true;
    this.stop();
    this.say(state);
    this.tell("bgtasks:gone", { id: this.dataset.job, state });
  }

  draw(job) {
    const bar = this.querySelector("progress");
    const progress = job.progress;
    const known = progress !== null && Boolean(progress.total);
    if (bar) {
      bar.max = known && job.state !== "succeeded" ? 100 : 1;
      if (job.state === "succeeded") bar.value = 1;
      else if (known) bar.value = progress.percent;
      else if (job.state === "running") bar.removeAttribute("value");
      else bar.value = 0;
    }
    const count = this.querySelector(".bgtasks-count");
    if (count && progress) count.textContent = this.count(progress);
    this.say(job.state);
  }

  say(state) {
    const place = this.querySelector(".bgtasks-state");
    const words = this.words[state] ?? state;
    this.dataset.state = state;
    // What is said anew is read aloud anew.
    if (place && place.textContent !== words) place.textContent = words;
  }

  count({ done, total }) {
    const number = this.numbers.format;
    if (total === null) return number(done);
    return this.words.count
      .replace("{done}", () => number(done))
      .replace("{total}", () => number(total));
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }

  numberFormat() {
    const options = { maximumFractionDigits: 2 };
    try {
      return new Intl.NumberFormat(this.closest("[lang]")?.lang || undefined, options);
    } catch {
      // The page's language is none that the browser knows.
      return new Intl.NumberFormat(undefined, options);
    }
  }
}

customElements.define("bgtasks-progress", JobProgress);
