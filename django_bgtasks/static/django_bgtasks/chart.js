// Draws the table of figures as a chart: what ended in each step as stacked bars, and
// below it how long jobs had waited. Without this script the table is what is read.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const WIDTH = 960;
  const LEFT = 56;
  const BARS = { top: 8, height: 150 };
  const LINE = { top: 182, height: 70 };
  const HEIGHT = 276;
  const LABELS = 6;
  // In the order of the table's values, and of the bars from the bottom up.
  const KINDS = ["succeeded", "retried", "cancelled", "failed"];

  function draw(place) {
    const table = document.getElementById(place.dataset.bgtasksChartOf);
    const rows = [...table.tBodies[0].rows].reverse().map(read);
    const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    svg.setAttribute("aria-labelledby", "bgtasks-figures bgtasks-totals");
    const step = (WIDTH - LEFT) / rows.length;
    bars(svg, rows, step);
    waits(svg, rows, step, place.dataset);
    times(svg, rows, step);
    tips(svg, rows, step);
    place.replaceChildren(svg);
    const legend = place.parentElement.querySelector("[data-bgtasks-legend]");
    legend.hidden = false;
  }

  function read(row) {
    const [wait, ...numbers] = row.dataset.values.trim().split(/\s+/).map(Number).reverse();
    return {
      label: row.cells[0].textContent.trim(),
      numbers: numbers.reverse(),
      wait: Number.isNaN(wait) ? null : wait,
      tip: [...row.cells].map((cell) => cell.textContent.trim()),
    };
  }

  function bars(svg, rows, step) {
    const most = ceiling(Math.max(...rows.map((row) => sum(row.numbers))));
    axis(svg, BARS, most, (value) => value.toLocaleString(document.documentElement.lang || undefined));
    rows.forEach((row, number) => {
      let bottom = BARS.top + BARS.height;
      row.numbers.forEach((value, kind) => {
        if (value) {
          // What happened once is seen beside thousands.
          const height = Math.max((value / most) * BARS.height, 1.5);
          bottom -= height;
          svg.append(element("rect", {
            class: `bgtasks-${KINDS[kind]}`,
            x: LEFT + number * step + step * 0.1,
            y: bottom,
            width: step * 0.8,
            height,
          }));
        }
      });
    });
  }

  function waits(svg, rows, step, words) {
    const most = ceiling(Math.max(...rows.map((row) => row.wait ?? 0)), 0.01);
    axis(svg, LINE, most, (value) => `${Number(value.toPrecision(3))} ${words.seconds}`);
    let path = "";
    let before = false;
    rows.forEach((row, number) => {
      if (row.wait === null) {
        before = false;
        return;
      }
      const x = LEFT + (number + 0.5) * step;
      const y = LINE.top + LINE.height * (1 - row.wait / most);
      path += `${before ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      before = true;
      svg.append(element("circle", { class: "bgtasks-wait", cx: x, cy: y, r: 2 }));
    });
    svg.append(element("path", { class: "bgtasks-wait", d: path || "M0 0" }));
    svg.append(text(LEFT + 4, LINE.top - 6, words.wait, "start"));
  }

  function axis(svg, panel, most, write) {
    for (const share of [0, 0.5, 1]) {
      const y = panel.top + panel.height * (1 - share);
      svg.append(element("line", { class: "bgtasks-grid", x1: LEFT, x2: WIDTH, y1: y, y2: y }));
      svg.append(text(LEFT - 6, y + 4, write(most * share), "end"));
    }
  }

  function times(svg, rows, step) {
    const every = Math.max(1, Math.round(rows.length / LABELS));
    for (let number = 0; number < rows.length; number += every) {
      svg.append(text(LEFT + number * step, HEIGHT - 6, rows[number].label, "start"));
    }
  }

  function tips(svg, rows, step) {
    const heads = document.querySelectorAll("#bgtasks-points thead th");
    rows.forEach((row, number) => {
      const whole = element("rect", {
        class: "bgtasks-tip", x: LEFT + number * step, y: 0, width: step, height: HEIGHT,
      });
      const title = element("title", {});
      title.textContent = row.tip.map((cell, place) => `${heads[place].textContent}: ${cell}`).join("\n");
      whole.append(title);
      svg.append(whole);
    });
  }

  // The next number of 1, 2, 4, 6, 8, 10 times a power of ten: halves read well.
  function ceiling(value, least = 1) {
    if (value <= least) {
      return least;
    }
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 4, 6, 8, 10].map((factor) => factor * power).find((each) => each >= value);
  }

  function sum(numbers) {
    return numbers.reduce((total, each) => total + each, 0);
  }

  function element(name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) {
      made.setAttribute(key, value);
    }
    return made;
  }

  function text(x, y, words, anchor) {
    const made = element("text", { x, y, "text-anchor": anchor });
    made.textContent = words;
    return made;
  }

  function drawAll(root) {
    for (const place of root.querySelectorAll("[data-bgtasks-chart-of]")) {
      draw(place);
    }
  }

  // Open for who has no script.
  for (const each of document.querySelectorAll("details[data-bgtasks-close]")) {
    each.open = false;
  }
  drawAll(document);
  document.addEventListener("bgtasks:fresh", (event) => drawAll(event.target));
})();
