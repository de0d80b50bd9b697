// What the report and the live page share: quantities, and charts over time with their marks and
// their table. Texts are set as textContent only.
"use strict";
const charting = (() => {
  // The figures that are shown; those of a run in progress are replaced.
  const figures = { timeline: null, marks: [], curves: [] };
  const byId = (id) => document.getElementById(id);

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

  // Warm-up, stages, changes of the load, crossed thresholds, the stop, and injected faults, on every chart over time.
  const markColours = { "warm-up": "paused", stage: "r7", load: "r4", crossed: "bad", stop: "text" };
  const drawMarks = {
    hooks: {
      drawClear: (chart) => {
        const { ctx, bbox } = chart;
        ctx.save();
        for (const mark of figures.marks.filter((it) => it.to != null)) {
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
        for (const mark of figures.marks.filter((it) => it.to == null)) {
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
        figures.timeline.strikes.forEach((count, index) => {
          const x = chart.valToPos(figures.timeline.at[index], "x", true);
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

  // A chart that is drawn again for other colours and sizes. One without series is hidden.
  const addChart = (id, options) => {
    const element = byId(id);
    if (!element) return;
    const chart = { element };
    chart.draw = () => {
      element.replaceChildren();
      const { data, series, scales, x, y, plugins, sync } = options();
      chart.labels = series.map((it) => it.label).join("\n");
      element.parentElement.hidden = !series.length;
      if (!series.length) return;
      const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 }, font: "12px system-ui, sans-serif" };
      const lines = series.map((it) => ({ width: 1.75, spanGaps: false, points: { show: (plot) => plot.data[0].length < 60 }, ...it, stroke: colour(it.colour), fill: it.fill ? colour(it.colour) + "30" : undefined }));
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
    // Takes new figures; a part that was zoomed into stays.
    chart.update = () => {
      const { data, series } = options();
      if (!element.chart || chart.labels !== series.map((it) => it.label).join("\n")) return chart.draw();
      const plot = element.chart;
      const [from, to] = [plot.scales.x.min, plot.scales.x.max];
      const isZoomed = plot.data[0].length > 1 && (from > plot.data[0][0] || to < plot.data[0].at(-1));
      plot.setData(data, !isZoomed);
      if (isZoomed) plot.setScale("x", { min: from, max: to });
    };
    chart.draw();
    charts.push(chart);
    return chart;
  };

  // All of the time, from the start of the run, unless a part was zoomed into.
  const range = (course, from, to) => (from == null ? [0, 1] : from === course.at[0] && to === course.at.at(-1) ? [0, to + course.width / 2] : [from, to]);

  // The charts over time.
  const addCourse = () => {
    const overTime = (data, series, value, options = {}) => () => {
      const course = figures.timeline;
      return {
        data: [course.at, ...data(course)],
        series: series(course).map((it) => ({ value: (_, at) => value(at), ...it })),
        scales: { x: { time: false, range: (chart, from, to) => range(figures.timeline, from, to) }, y: { range: (chart, from, to) => [0, to > 0 ? to * 1.08 : 1] } },
        x: { series: { label: "Time", value: (_, at) => seconds(at) }, axis: { values: (_, ticks) => ticks.map(seconds), space: 70 } },
        y: { values: (_, ticks) => ticks.map(value), ...options },
        plugins: [drawMarks],
        sync: "course",
      };
    };
    addChart("chart-response", overTime((it) => [it.p50, it.p95, it.p99], () => [{ label: "p50", colour: "r2" }, { label: "p95", colour: "r0" }, { label: "p99", colour: "r1" }], milliseconds));
    addChart("chart-rate", overTime((it) => [it.completed, it.failed], () => [{ label: "completed/s", colour: "good", fill: true }, { label: "failed/s", colour: "bad", fill: true }], number));
    const palette = ["bad", "r3", "r1", "r0", "r2", "r4", "r6"];
    const values = (named) => named.map((it) => it.values);
    addChart("chart-causes", overTime((it) => values(it.causes), (it) => it.causes.map((cause, index) => ({ label: cause.name, colour: palette[index % palette.length] })), number));
    addChart("chart-flight", overTime((it) => [it.inFlight], () => [{ label: "in flight", colour: "r7", fill: true }], number));
    addChart("chart-cores", overTime((it) => values(it.cores), (it) => it.cores.map((role, index) => ({ label: role.name, colour: "r" + (index % 8) })), number));
  };
  const listMarks = () => {
    const texts = figures.marks.map((mark) => make("span", mark.to == null ? `${mark.label}, ${seconds(mark.from)}` : `${mark.label} until ${seconds(mark.to)}, not counted`, "mark-" + mark.kind));
    const strikes = figures.timeline.strikes.reduce((sum, count) => sum + count, 0);
    if (strikes) texts.push(make("span", `${strikes} injected faults (▲)`, "mark-strikes"));
    byId("marks").replaceChildren(...texts);
  };

  // Tables behind the charts.
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
    const course = figures.timeline;
    const heads = ["Time", "p50", "p95", "p99", "Completed/s", "Failed/s", "In flight", "Faults", ...course.causes.map((it) => it.name), ...course.cores.map((it) => it.name + ", processors")];
    const rows = course.at.map((at, index) => [
      seconds(at),
      ...[course.p50, course.p95, course.p99].map((it) => milliseconds(it[index])),
      ...[course.completed, course.failed, course.inFlight, course.strikes].map((it) => number(it[index])),
      ...[...course.causes, ...course.cores].map((it) => number(it.values[index])),
    ]);
    fill(byId("course-data").querySelector(".scroll"), "Course of the run", heads, rows);
  };
  const redraw = () => charts.forEach((it) => it.draw());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    charts.forEach(({ element }) => element.chart?.setSize({ width: Math.max(element.clientWidth, 200), height: heightOf(element) }));
  });
  return { figures, byId, make, milliseconds, seconds, number, addChart, addCourse, listMarks, fill, fillCourse, redraw, charts };
})();
