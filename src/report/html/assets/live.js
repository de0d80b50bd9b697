// Shows the updates of a run in progress and sends what its buttons are for. Texts are set as
// textContent only, but for the transcripts of flows, which the server renders as it does for the
// report.
"use strict";
(() => {
  const { figures, byId, make, addCourse, listMarks, fillCourse, charts } = charting;
  const token = location.pathname.split("/")[1];
  let phase = "starting";

  const setText = (id, text) => {
    const element = byId(id);
    if (element.textContent !== text) element.textContent = text;
  };
  // Replaces children only if their content has changed, so that selections and focus stay.
  const drawn = new Map();
  const list = (id, items, build) => {
    const content = JSON.stringify(items);
    if (drawn.get(id) === content) return;
    drawn.set(id, content);
    byId(id).replaceChildren(...items.map(build));
  };
  const card = (it) => {
    const box = make("div");
    box.append(make("dt", it.name), make("dd", it.value, "value"), make("dd", it.note, "note"));
    return box;
  };

  const svg = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const stepRow = (step) => {
    const row = make("tr");
    const name = make("th");
    name.scope = "row";
    name.append(make("span", "", "dot " + step.colour), step.name + " ", make("span", step.role, "note"));
    const bar = make("td", undefined, "bar");
    const picture = svg("svg", { viewBox: "0 0 1000 10", preserveAspectRatio: "none", "aria-hidden": "true" });
    let x = 0;
    for (const [kind, width] of step.widths) {
      if (width) picture.append(svg("rect", { class: kind, x, y: 0, width, height: 10 }));
      x += width;
    }
    bar.append(picture);
    const failed = make("td", String(step.failed), step.failed ? "failed bad" : "failed");
    row.append(name, make("td", String(step.now), "now"), make("td", String(step.done), "done"), failed, make("td", step.p95, "p95"), bar);
    return row;
  };
  const showSteps = (steps) => {
    const most = Math.max(1, ...steps.map((it) => it.now + it.done + it.failed));
    const width = (count) => (count ? Math.max(4, Math.round((count * 1000) / most)) : 0);
    for (const step of steps) step.widths = [["done", width(step.done)], ["failed", width(step.failed)], ["now", width(step.now)]];
    list("step-rows", steps, stepRow);
  };

  // Failures: the elements stay, so that what is open stays open.
  const groups = new Map();
  const addTranscript = async (number, into, isFirst) => {
    const answer = await fetch("flows/" + number).catch(() => null);
    if (!answer?.ok) {
      into.append(make("p", phase === "ended" ? "The run has ended; its transcript is in the run's bundles." : "The transcript is not available.", "note"));
      return;
    }
    const template = make("template");
    template.innerHTML = await answer.text();
    for (const entries of template.content.querySelectorAll(".entries")) requestAnimationFrame(() => (entries.scrollTop = entries.scrollHeight));
    template.content.querySelector("details.flow").open = isFirst;
    into.append(template.content);
  };
  const newGroup = (group) => {
    const element = make("details", undefined, "group");
    const summary = make("summary");
    const what = make("span", undefined, "what");
    what.append(make("b", group.cause), " at ", make("code", group.step), " ", make("span", group.role, "chip " + group.colour));
    if (group.after_faults) what.append(" ", make("span", "after injected faults", "chip fault"));
    if (group.saw) what.append(make("br"), make("span", group.saw, "saw"));
    const when = make("span", undefined, "when");
    const [share, first, last] = [make("span"), make("span", "first " + group.first), make("span")];
    when.append(share, " ", first, " ", last);
    const times = make("span", "", "times");
    const picture = svg("svg", { class: "share", viewBox: "0 0 1000 4", preserveAspectRatio: "none", "aria-hidden": "true" });
    const bar = svg("rect", { x: 0, y: 0, width: 0, height: 4 });
    picture.append(bar);
    summary.append(times, " ", what, " ", when, picture);
    const inside = make("div", undefined, "inside");
    const heading = make("h3", "Example: flow ");
    heading.append(make("code", group.example));
    const flows = make("div");
    const note = make("p", "No bundle of these flows was kept.", "note");
    inside.append(heading, make("pre", group.lines.join("\n")), flows, note);
    element.append(summary, inside);
    const known = { element, flows: [] };
    const load = () => {
      if (!element.open) return;
      for (const number of known.flows.filter((it) => !known.loaded.has(it))) {
        known.loaded.add(number);
        const place = make("div");
        flows.append(place);
        addTranscript(number, place, known.loaded.size === 1);
      }
    };
    known.loaded = new Set();
    known.update = (group, numbers) => {
      times.textContent = group.count + "×";
      share.textContent = group.share;
      last.textContent = "last " + group.last;
      bar.setAttribute("width", group.width);
      known.flows = numbers;
      note.textContent = group.note ?? "No bundle of these flows was kept.";
      note.hidden = numbers.length > 0;
      load();
    };
    element.addEventListener("toggle", load);
    return known;
  };
  const showFailures = (update) => {
    const place = byId("groups");
    update.failures.forEach(({ group, flows }, index) => {
      const key = JSON.stringify([group.step, group.cause, group.role, group.saw, group.after_faults]);
      if (!groups.has(key)) groups.set(key, newGroup(group));
      const known = groups.get(key);
      known.update(group, flows);
      // Moving an element closes nothing, but only those that are out of place are moved.
      if (place.children[index] !== known.element) place.insertBefore(known.element, place.children[index] ?? null);
    });
    if (update.failures.length) {
      const note = update.failuresNote ? " " + update.failuresNote : "";
      setText("failures-note", `${update.failed} failed flows by signature: step, cause, and what the program showed instead. Open one to see what happened.${note}`);
    }
  };

  // The segments of a run that is divided among processes.
  const segmentRow = (segment) => {
    const row = make("tr");
    const number = make("th", String(segment.number));
    number.scope = "row";
    const state = make("td", undefined, "left");
    state.append(make("span", segment.word, "segment " + segment.state));
    if (segment.starts > 1) state.append(" ", make("span", `started ${segment.starts} times`, "note"));
    const failed = make("td", String(segment.failed), segment.failed ? "bad" : undefined);
    row.append(number, state, make("td", segment.host, "left"), make("td", segment.ended), failed, make("td", String(segment.inFlight)), make("td", segment.heard));
    return row;
  };
  const showSegments = (update) => {
    const isMerged = !!update.segments;
    byId("segments").hidden = byId("segments-link").hidden = !isMerged;
    if (!isMerged) return;
    setText("segments-note", update.segmentsNote);
    list("segment-rows", update.segments, segmentRow);
  };

  const showCharts = (update) => {
    if (!update.charts) return;
    const isFirst = !figures.timeline;
    Object.assign(figures, update.charts);
    if (isFirst) addCourse();
    else for (const chart of charts) chart.update();
    const marks = JSON.stringify([figures.marks, figures.timeline.strikes]);
    if (drawn.get("marks") !== marks) {
      drawn.set("marks", marks);
      listMarks();
    }
    setText("bucket", update.bucket);
    if (byId("course-data").open) fillCourse();
  };
  byId("course-data").addEventListener("toggle", () => figures.timeline && fillCourse());

  const show = (update) => {
    phase = update.phase;
    byId("top").className = "top " + update.state;
    document.title = `${update.word}: ${update.scenario}`;
    setText("word", update.word);
    setText("scenario", update.scenario);
    byId("run").hidden = !update.run;
    setText("run-id", update.run);
    setText("load", update.load);
    setText("started", update.started);
    list("parts", update.parts, (it) => make("li", it.text, it.state));
    const progress = byId("progress");
    if (update.done == null || phase === "ended") progress.removeAttribute("value");
    else progress.value = update.done;
    setText("progress-text", phase === "ended" ? "" : update.progress);
    list("recent", update.recent, card);
    list("cards", update.cards, card);
    list("reasons", update.reasons, (it) => make("li", it));
    byId("remarks").hidden = !update.reasons.length;
    byId("thresholds-part").hidden = !update.thresholds.length;
    list("thresholds", update.thresholds, (it) => {
      const item = make("li", undefined, it.state);
      item.append(make("code", it.text), " ", make("b", it.value), " ", make("span", it.note, "note"));
      return item;
    });
    list("scripts", update.scripts, (it) => make("li", `${it.role} ${it.count}`, it.colour));
    showSegments(update);
    showSteps(update.steps);
    showCharts(update);
    showFailures(update);
    list("notice-list", update.notices.length ? update.notices : ["None so far."], (it) => make("li", it));
    showControls(update);
  };

  // Buttons.
  const [setting, change, stop] = [byId("setting"), byId("change"), byId("stop")];
  let shown = null;
  let asked = false;
  const showControls = (update) => {
    byId("controls").hidden = phase === "ended" || !update.setting;
    if (update.setting) {
      setText("setting-label", update.setting.label);
      setText("limit", update.setting.limit);
      // What is being typed stays.
      if (shown !== update.setting.value && document.activeElement !== setting) setting.value = update.setting.value;
      shown = update.setting.value;
    }
    const isOver = phase === "ended" || phase === "stopping";
    setting.disabled = change.disabled = isOver;
    if (phase === "stopping") {
      stop.textContent = "End all flows now";
      stop.disabled = asked === "now";
    }
    if (phase === "ended") {
      source.close();
      byId("answer").textContent = "";
      byId("lost").hidden = true;
      byId("now").hidden = true;
      setText("figures-title", "The run");
      byId("ended").hidden = false;
      setText("locations", update.locations);
    }
  };
  const send = async (command) => {
    const answer = await fetch("control", { method: "POST", headers: { "x-rehearsal-token": token, "content-type": "application/json" }, body: JSON.stringify(command) }).catch(() => null);
    return answer?.ok ? (await answer.json()).refused : "The run did not answer.";
  };
  const say = (text, isBad) => {
    byId("answer").textContent = text;
    byId("answer").classList.toggle("bad", isBad);
  };
  const ask = async (command, done) => {
    const error = await send(command);
    say(error ?? done, !!error);
    return !error;
  };
  change.addEventListener("click", () => ask({ load: setting.value }, `The load is changed to ${setting.value}.`));
  setting.addEventListener("keydown", (event) => event.key === "Enter" && change.click());
  stop.addEventListener("click", async () => {
    const now = phase === "stopping";
    stop.disabled = true;
    asked = now ? "now" : "gracefully";
    const isDone = await ask({ stop: now }, now ? "All flows are ended." : "No more flows are started; those in flight may finish.");
    if (!isDone) stop.disabled = false;
  });

  const source = new EventSource("events");
  source.addEventListener("message", (event) => {
    byId("lost").hidden = true;
    show(JSON.parse(event.data));
  });
  source.addEventListener("error", () => {
    byId("lost").hidden = phase === "ended";
  });
})();
