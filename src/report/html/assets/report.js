// Draws the charts of the report, fills their tables, sorts tables and folds the tree. Texts are set
// as textContent only; figures come from the JSON element of the page.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const figures = JSON.parse(byId("figures-data").textContent);
  const course = figures.timeline;
  const marks = figures.marks;

  const make = (name, text, className) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };

  // Quantities for people.
  const digits = (number) => (number >= 100 ? number.toFixed(0) : number >= 10 ? number.toFixed(1) : number.toFixed(2)).replace(/\.0+$|(\.\d*?)0+$/, "$1");
  const milliseconds = (ms) => {
    if (ms == null) return "–";
    if (ms === 0) return "0";
    if (ms < 1) return digits(ms * 1000) + " µs";
    if (ms < 1000) return digits(ms) + " ms";
    if (ms < 60000) return digits(ms / 1000) + " s";
    return seconds(ms / 1000);
  };
  const seconds = (s) => {
    if (s == null) return "–";
    if (s < 60) return digits(s) + " s";
    const whole = Math.round(s);
    const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    const two = (number) => String(number).padStart(2, "0");
    return hours ? `${hours}h ${two(minutes)}m` : `${minutes}m ${two(rest)}s`;
  };
  const number = (value) => (value == null ? "–" : digits(value));

  // Colours follow the style sheet, and so light and dark mode.
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

  // Warm-up, stages, crossed thresholds, the stop, and injected faults, on every chart over time.
  const markColours = { "warm-up": "paused", stage: "r7", crossed: "bad", stop: "text" };
  const drawMarks = {
    hooks: {
      drawClear: (chart) => {
        const { ctx, bbox } = chart;
        ctx.save();
        for (const mark of marks.filter((it) => it.to != null)) {
          const from = Math.max(chart.valToPos(mark.from, "x", true), bbox.left);
          const to = Math.min(chart.valToPos(mark.to, "x", true), bbox.left + bbox.width);
          ctx.globalAlpha = 0.35;
          ctx.fillStyle = colour(markColours[mark.kind]);
          if (to > from) ctx.fillRect(from, bbox.top, to - from, bbox.height);
        }
        ctx.restore();
      },
      draw: (chart) => {
        const { ctx, bbox } = chart;
        const isInside = (x) => x >= bbox.left && x <= bbox.left + bbox.width;
        ctx.save();
        ctx.lineWidth = devicePixelRatio * 1.5;
        for (const mark of marks.filter((it) => it.to == null)) {
          const x = chart.valToPos(mark.from, "x", true);
          if (!isInside(x)) continue;
          ctx.strokeStyle = colour(markColours[mark.kind]);
          ctx.setLineDash(mark.kind === "stop" ? [] : [5 * devicePixelRatio, 4 * devicePixelRatio]);
          ctx.beginPath();
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bbox.top + bbox.height);
          ctx.stroke();
        }
        ctx.fillStyle = colour("r3");
        const size = 4 * devicePixelRatio;
        course.strikes.forEach((count, index) => {
          const x = chart.valToPos(course.at[index], "x", true);
          if (!count || !isInside(x)) return;
          const y = bbox.top + bbox.height;
          ctx.beginPath();
          ctx.moveTo(x - size, y);
          ctx.lineTo(x + size, y);
          ctx.lineTo(x, y - 2 * size);
          ctx.fill();
        });
        ctx.restore();
      },
    },
  };

  const charts = [];
  const heightOf = (element) => (element.clientWidth < 500 ? 170 : 210);

  // A chart that is drawn again for other colours and sizes.
  const addChart = (id, options) => {
    const element = byId(id);
    if (!element) return;
    const draw = () => {
      element.replaceChildren();
      const { data, series, scales, x, y, plugins, sync } = options();
      const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 }, font: "12px system-ui, sans-serif" };
      const lines = series.map((it) => ({ width: 1.75, spanGaps: false, points: { show: data[0].length < 60 }, ...it, stroke: colour(it.colour), fill: it.fill ? colour(it.colour) + "30" : undefined }));
      const settings = {
        width: Math.max(element.clientWidth, 200),
        height: heightOf(element),
        padding: [8, 24, 0, 0],
        cursor: { sync: sync ? { key: sync } : undefined, drag: { x: true, y: false } },
        scales,
        series: [x.series, ...lines],
        axes: [{ ...axis, ...x.axis }, { ...axis, size: 62, ...y }],
        plugins,
      };
      element.chart = new uPlot(settings, data, element);
    };
    draw();
    charts.push({ element, draw });
  };

  if (course) {
    const overTime = (data, series, value, options = {}) => () => ({
      data: [course.at, ...data],
      series: series.map((it) => ({ value: (_, at) => value(at), ...it })),
      scales: { x: { time: false, range: (chart, from, to) => (from === course.at[0] && to === course.at.at(-1) ? [0, course.at.at(-1) + course.width / 2] : [from, to]) }, y: { range: (chart, from, to) => [0, to > 0 ? to * 1.08 : 1] } },
      x: { series: { label: "Time", value: (_, at) => seconds(at) }, axis: { values: (_, ticks) => ticks.map(seconds), space: 70 } },
      y: { values: (_, ticks) => ticks.map(value), ...options },
      plugins: [drawMarks],
      sync: "course",
    });
    addChart("chart-response", overTime([course.p50, course.p95, course.p99], [{ label: "p50", colour: "r2" }, { label: "p95", colour: "r0" }, { label: "p99", colour: "r1" }], milliseconds));
    addChart("chart-rate", overTime([course.completed, course.failed], [{ label: "completed/s", colour: "good", fill: true }, { label: "failed/s", colour: "bad", fill: true }], number));
    const palette = ["bad", "r3", "r1", "r0", "r2", "r4", "r6"];
    addChart("chart-causes", overTime(course.causes.map((it) => it.values), course.causes.map((it, index) => ({ label: it.name, colour: palette[index % palette.length] })), number));
    addChart("chart-flight", overTime([course.inFlight], [{ label: "in flight", colour: "r7", fill: true }], number));
    addChart("chart-cores", overTime(course.cores.map((it) => it.values), course.cores.map((it, index) => ({ label: it.name, colour: "r" + (index % 8) })), number));

    const list = byId("marks");
    for (const mark of marks) {
      const text = mark.to == null ? `${mark.label}, ${seconds(mark.from)}` : `${mark.label} until ${seconds(mark.to)}, not counted`;
      list.append(make("span", text, "mark-" + mark.kind));
    }
    const strikes = course.strikes.reduce((sum, count) => sum + count, 0);
    if (strikes) list.append(make("span", `${strikes} injected faults (▲)`, "mark-strikes"));
  }

  // Latency by percentile, over 1 / (1 - percentile). Each curve is two lines: of a run its response
  // and service times, of a comparison the old and the new runs.
  const labels = figures.labels ?? ["response", "service"];
  const choice = byId("curve");
  const curveOf = () => figures.curves[Number(choice.value) || 0];
  if (choice && figures.curves.length) {
    figures.curves.forEach((curve, index) => {
      const option = make("option", curve.name);
      option.value = index;
      choice.append(option);
    });
    addChart("chart-percentiles", () => {
      const curve = curveOf();
      const places = curve.percentiles.map((it) => (it >= 100 ? 2 * curve.count : 1 / (1 - it / 100)));
      const series = [];
      const data = [places];
      for (const [label, values, name] of [[labels[0], curve.response, "r0"], [labels[1], curve.service, "r3"]]) {
        if (!values) continue;
        series.push({ label, colour: name, points: { show: true, size: 4 }, value: (_, at) => milliseconds(at) });
        data.push(values);
      }
      const percent = (at) => (at == null ? "–" : at >= 2 * curve.count ? "max" : +(100 - 100 / at).toPrecision(6) + " %");
      return {
        data,
        series,
        scales: { x: { time: false, distr: 3, log: 10, range: [1, 2 * curve.count] }, y: { range: (chart, from, to) => [0, to > 0 ? to * 1.08 : 1] } },
        x: { series: { label: "Percentile", value: (_, at) => percent(at) }, axis: { values: (_, ticks) => ticks.map((at) => (at == null ? null : Number.isInteger(Math.log10(at)) || at === 2 || at === 20 ? percent(at) : null)), space: 30 } },
        y: { values: (_, ticks) => ticks.map(milliseconds) },
        plugins: [],
      };
    });
    choice.addEventListener("change", () => {
      charts.find((it) => it.element.id === "chart-percentiles").draw();
      fillCurve();
    });
  }

  // Tables behind the charts, made when they are opened.
  const fill = (container, caption, heads, rows) => {
    const table = make("table");
    table.append(make("caption", caption));
    const head = table.createTHead().insertRow();
    for (const text of heads) {
      const cell = make("th", text);
      cell.scope = "col";
      head.append(cell);
    }
    const body = table.createTBody();
    for (const row of rows) {
      const line = body.insertRow();
      row.forEach((text, index) => {
        const cell = make(index ? "td" : "th", text);
        if (!index) cell.scope = "row";
        line.append(cell);
      });
    }
    container.replaceChildren(table);
  };
  const fillCourse = () => {
    const heads = ["Time", "p50", "p95", "p99", "Completed/s", "Failed/s", "In flight", "Faults", ...course.causes.map((it) => it.name), ...course.cores.map((it) => it.name + ", processors")];
    const rows = course.at.map((at, index) => [
      seconds(at),
      ...[course.p50, course.p95, course.p99].map((it) => milliseconds(it[index])),
      ...[course.completed, course.failed, course.inFlight, course.strikes].map((it) => number(it[index])),
      ...[...course.causes, ...course.cores].map((it) => number(it.values[index])),
    ]);
    fill(byId("course-data").querySelector(".scroll"), "Course of the run", heads, rows);
  };
  const fillCurve = () => {
    const curve = curveOf();
    const rows = curve.percentiles.map((percentile, index) => [percentile + " %", ...[curve.response, curve.service].map((it) => milliseconds(it?.[index]))]);
    fill(byId("curve-data").querySelector(".scroll"), `${curve.name}: ${curve.count} samples`, ["Percentile", ...labels.map((it) => it[0].toUpperCase() + it.slice(1))], rows);
  };
  byId("course-data")?.addEventListener("toggle", fillCourse, { once: true });
  byId("curve-data")?.addEventListener("toggle", fillCurve, { once: true });

  // Sorting: rows of a tree stay below their parents.
  const levelOf = (row) => Number(row.dataset.level || 1);
  const nested = (rows) => {
    const root = { children: [] };
    const open = [root];
    for (const row of rows) {
      const node = { row, children: [] };
      while (open.length > levelOf(row)) open.pop();
      open.at(-1).children.push(node);
      open.push(node);
    }
    return root;
  };
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.sort === undefined ? cell.textContent : Number(cell.dataset.sort);
  };
  const sort = (table, column, direction) => {
    const body = table.tBodies[0];
    const put = (node) => {
      node.children.sort((one, other) => {
        const [a, b] = [keyOf(one.row, column), keyOf(other.row, column)];
        return (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b))) * direction;
      });
      for (const child of node.children) {
        body.append(child.row);
        put(child);
      }
    };
    put(nested([...body.rows]));
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows].flatMap((row) => [...row.cells]).filter((cell) => cell.scope === "col");
    heads.forEach((head, column) => {
      const button = make("button", head.textContent);
      button.type = "button";
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const direction = head.getAttribute("aria-sort") === "descending" || (column === 0 && !head.hasAttribute("aria-sort")) ? 1 : -1;
        heads.forEach((it) => it.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
        sort(table, column, direction);
      });
    });
  }

  // Folding of the tree.
  const isBelow = (row, parent) => row && levelOf(row) > levelOf(parent);
  const fold = (table) => {
    let hiddenBelow = Infinity;
    for (const row of table.tBodies[0].rows) {
      if (levelOf(row) <= hiddenBelow) hiddenBelow = Infinity;
      row.hidden = hiddenBelow !== Infinity;
      if (hiddenBelow === Infinity && row.querySelector("[aria-expanded=false]")) hiddenBelow = levelOf(row);
    }
  };
  for (const table of document.querySelectorAll("table.tree")) {
    for (const row of table.tBodies[0].rows) {
      if (levelOf(row) === 1 || !isBelow(row.nextElementSibling, row)) continue;
      const button = make("button", "▾", "fold");
      button.type = "button";
      button.setAttribute("aria-expanded", "true");
      button.setAttribute("aria-label", "Parts of " + row.cells[0].textContent.trim());
      button.addEventListener("click", () => {
        const isOpen = button.getAttribute("aria-expanded") === "true";
        button.setAttribute("aria-expanded", String(!isOpen));
        button.textContent = isOpen ? "▸" : "▾";
        fold(table);
      });
      row.querySelector(".name").prepend(button);
    }
  }

  // A transcript is shown from its end, where the failure is.
  const showEnd = (element) => {
    for (const list of element.querySelectorAll(".flow.bad .entries")) list.scrollTop = list.scrollHeight;
  };
  for (const group of document.querySelectorAll("details.group, .flow.bad")) group.addEventListener("toggle", () => showEnd(group.parentElement));

  const redraw = () => charts.forEach((it) => it.draw());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    charts.forEach(({ element }) => element.chart.setSize({ width: Math.max(element.clientWidth, 200), height: heightOf(element) }));
  });
  // Paper is light.
  const paper = (isPaper) => () => {
    document.documentElement.classList.toggle("paper", isPaper);
    redraw();
  };
  addEventListener("beforeprint", paper(true));
  addEventListener("afterprint", paper(false));
})();
