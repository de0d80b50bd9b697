// Draws the trend of the chosen figure over the runs, with its change points. Texts are set as
// textContent only.
"use strict";
(() => {
  const { figures, byId, make, milliseconds, number, addChart, fill } = charting;
  const choice = byId("figure");
  const trendOf = () => figures.trends[Number(choice.value) || 0];
  const runsOf = (trend) => figures.scenarios[trend.scenario];
  const nameOf = (trend) => (figures.scenarios.length > 1 ? `${runsOf(trend).name}: ${trend.name}` : trend.name);
  const shown = (trend) => (value) => {
    if (value == null) return "–";
    if (trend.unit === "us") return milliseconds(value / 1000);
    return trend.unit === "" ? number(value * 100) + " %" : number(value) + trend.unit;
  };
  figures.trends.forEach((trend, index) => {
    const option = make("option", nameOf(trend));
    option.value = index;
    choice.append(option);
  });
  choice.value = figures.first;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const changes = {
    hooks: {
      draw: (chart) => {
        const { ctx, bbox } = chart;
        ctx.save();
        ctx.lineWidth = devicePixelRatio * 1.5;
        ctx.strokeStyle = colour("bad");
        ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
        for (const index of trendOf().changes) {
          // Between the last run before the change and the first one after it.
          const x = chart.valToPos(index + 0.5, "x", true);
          if (x < bbox.left || x > bbox.left + bbox.width) continue;
          ctx.beginPath();
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bbox.top + bbox.height);
          ctx.stroke();
        }
        ctx.restore();
      },
    },
  };
  const chart = addChart("chart-trend", () => {
    const trend = trendOf();
    const runs = runsOf(trend);
    const value = shown(trend);
    const series = [{ label: trend.name, colour: "r0", points: { show: true, size: 5 }, value: (_, at) => value(at) }];
    const data = [trend.values.map((_, index) => index + 1), trend.values];
    if (trend.levels.length) {
      series.push({ label: "mean", colour: "r3", points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }), value: (_, at) => value(at) });
      data.push(trend.levels);
    }
    return {
      data,
      series,
      scales: { x: { time: false, range: (plot, from, to) => (from == null || from === to ? [0, 2] : [from - 0.5, to + 0.5]) }, y: { range: (plot, from, to) => [0, to > 0 ? to * 1.08 : 1] } },
      x: { series: { label: "Run", value: (_, at) => (at == null ? "–" : `${runs.ids[at - 1]}, ${runs.started[at - 1]}`) }, axis: { values: (_, ticks) => ticks.map((at) => (Number.isInteger(at) && runs.started[at - 1] ? runs.started[at - 1].slice(0, 10) : null)), space: 90 } },
      y: { values: (_, ticks) => ticks.map(value) },
      plugins: [changes],
    };
  });

  const name = () => {
    byId("trend-name").textContent = nameOf(trendOf());
  };
  const fillTrend = () => {
    const trend = trendOf();
    const runs = runsOf(trend);
    const value = shown(trend);
    const rows = trend.values.map((it, index) => [runs.ids[index], runs.started[index], value(it), trend.changes.includes(index) ? "change" : ""]);
    fill(byId("trend-data").querySelector(".scroll"), nameOf(trend), ["Run", "Started", trend.name, "Change point"], rows);
  };
  const isOpen = () => byId("trend-data").open;
  name();
  choice.addEventListener("change", () => {
    name();
    chart.draw();
    if (isOpen()) fillTrend();
  });
  byId("trend-data").addEventListener("toggle", () => isOpen() && fillTrend());
})();
