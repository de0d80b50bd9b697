// Draws the charts of the report, fills their tables, sorts tables and folds the tree. Texts are set
// as textContent only; figures come from the JSON element of the page.
"use strict";
(() => {
  const { figures, byId, make, milliseconds, addChart, addCourse, listMarks, fill, fillCourse, redraw, charts } = charting;
  Object.assign(figures, JSON.parse(byId("figures-data").textContent));
  if (figures.timeline && byId("chart-response")) {
    addCourse();
    listMarks();
  }

  // Throughput and latency by load.
  if (figures.loads) {
    const loads = figures.loads;
    const byLoad = (values, names, value) => () => ({
      data: [loads.at, ...values],
      series: names.map(([label, colour]) => ({ label, colour, points: { show: true, size: 5 }, value: (_, at) => value(at) })),
      scales: { x: { time: false, range: (chart, from, to) => [0, to * 1.03] }, y: { range: (chart, from, to) => [0, to > 0 ? to * 1.08 : 1] } },
      x: { series: { label: loads.label }, axis: {} },
      y: { values: (_, ticks) => ticks.map(value) },
      plugins: [],
    });
    addChart("chart-throughput", byLoad([loads.throughput], [["completed/s", "good"]], (at) => (at == null ? "–" : String(+at.toPrecision(3)))));
    addChart("chart-latency", byLoad([loads.p50, loads.p95, loads.p99], [["p50", "r2"], ["p95", "r0"], ["p99", "r1"]], milliseconds));
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

  // Paper is light.
  const paper = (isPaper) => () => {
    document.documentElement.classList.toggle("paper", isPaper);
    redraw();
  };
  addEventListener("beforeprint", paper(true));
  addEventListener("afterprint", paper(false));
})();
