"use strict";
// Everything that came from a file reaches the page as text nodes and attributes, never as markup.
const DATA = JSON.parse(document.getElementById("data").textContent);
const LOOKS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#80700c", "#a61c3c", "#3d5a80"];
const DASHES = ["", "6 3", "2 3", "8 3 2 3"];
const SVG = "http://www.w3.org/2000/svg";
const at = (id) => document.getElementById(id);
const known = (value) => value !== null && value !== undefined;

function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") node.className = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (known(value)) node.setAttribute(key, value);
  }
  node.append(...children.filter(known));
  return node;
}

function draw(name, attributes = {}, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (known(text)) node.textContent = text;
  return node;
}

// A number of so many decimals; what rounds to nothing has no minus.
const fixed = (value, digits) => value.toFixed(digits).replace(/^-(?=0\.?0*$)/, "");
const percent = (value, digits = 1) => (known(value) ? fixed(100 * value, digits) : "—");
// A value of a metric as people see it, and as the sentence in the table says it.
const shown = (metric, value, digits = metric.decimals) => (known(value) ? fixed(metric.scale * value, digits) : "—");
const named = (metric) => metric.heading + (metric.higher_is_better ? "" : `, ${metric.direction}`);
// So turned that the larger is the better.
const oriented = (metric, value) => (metric.higher_is_better ? value : -value);
// A value of a metric, or from which to which: one where both look the same.
// As in tables: of differences that are larger than any two scores can have only that is shown.
const widest = (metric) => known(metric.low) && known(metric.high) ? metric.high - metric.low : Infinity;
const between = (metric, value) => [...new Set([value].flat().map((own) => own > widest(metric) ? `> ${metric.scale * widest(metric)}` : shown(metric, own)))].join(" to ");
const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
const short = (value) => (known(value) ? Number(value.toPrecision(3)).toString() : "—");
const methods = [...new Set(DATA.sections.flatMap((s) => s.rows.map((r) => r.label)))];
const networks = new Set(DATA.sections.flatMap((s) => s.rows.filter((r) => r.network).map((r) => r.label)));
// Networks have the first colours, and full lines as long as colours last; baselines are dashed and thin.
const ranked = [...methods.filter((label) => networks.has(label)), ...methods.filter((label) => !networks.has(label))];
const look = (label) => {
  const place = ranked.indexOf(label);
  const [dash, width] = networks.has(label) ? [DASHES[Math.floor(place / LOOKS.length) % DASHES.length], 2] : ["5 4", 1.2];
  return { stroke: LOOKS[place % LOOKS.length], "stroke-width": width, "stroke-dasharray": dash };
};

function options(id, values, all) {
  const chosen = at(id).value;
  at(id).replaceChildren(...(all ? [make("option", { value: "" }, all)] : []), ...values.map((v) => make("option", { value: v }, v)));
  if (values.includes(chosen)) at(id).value = chosen;
}

const chosen = () =>
  DATA.sections.filter((s) => (!at("dataset").value || s.dataset === at("dataset").value) && (!at("trained").value || s.trained === at("trained").value));
const wanted = (row) =>
  (!at("family").value || row.family === at("family").value) && row.label.toLowerCase().includes(at("search").value.trim().toLowerCase());

// Tables

// "down": the best first, which of costs and texts is the largest and the last.
// Without a column: the first score that a section shows.
let order = { column: null, down: true };

// All test patterns with their headings: those that tables show, then the rest.
const every = (section) => ({ ...section.tests, ...section.rest });

// All scores under one pattern, or one score under all patterns; where a section lacks it, what its sentence is about.
function views() {
  const patterns = DATA.sections.flatMap((s) => Object.values(every(s))).map((title) => `tested: ${title}`);
  const scores = DATA.sections.flatMap((s) => s.scores).map((own) => `score: ${own.brief}`);
  const main = DATA.sections.slice(0, 1).map((s) => `tested: ${s.tests[s.main]}`);
  return [...new Set([...(DATA.sections.some((s) => s.scores.length > 1) ? main : []), ...scores, ...patterns])];
}

function scoresOf(section) {
  const view = at("view").value || views()[0];
  const metric = section.scores.find((own) => `score: ${own.brief}` === view);
  if (metric) return Object.entries(section.tests).map(([test, heading]) => ({ metric, test, name: metric.columns[test], title: heading }));
  const test = Object.keys(every(section)).find((own) => `tested: ${every(section)[own]}` === view) ?? section.main;
  return section.scores.map((own) => ({ metric: own, test, name: own.columns[test], title: own.brief }));
}

function columnsOf(section) {
  const scores = scoresOf(section).map((own) => ({ ...own, turned: !own.metric.higher_is_better, of: (row) => known(row.mean[own.name]) ? oriented(own.metric, row.mean[own.name]) : null, shown: (row) => score(own.metric, row, own.name, section.agree.includes(own.metric.brief) ? own.test : null) }));
  const costs = Object.entries(DATA.costs).map(([name, title]) => ({ name, title, of: (row) => row.cost[name], shown: (row) => short(row.cost[name]) }));
  return [
    { name: "family", title: "family", of: (row) => row.family, shown: (row) => row.family },
    { name: "label", title: "method", of: (row) => row.label, shown: (row) => row.label + row.marks + (row.note ? " *" : "") },
    { name: "seeds", title: "seeds", of: (row) => row.seeds, shown: (row) => String(row.seeds) },
    ...scores, ...costs,
  ];
}

function score(metric, row, name, test) {
  if (!known(row.mean[name])) return "—";
  const text = shown(metric, row.mean[name]) + (known(row.std[name]) ? ` ± ${shown(metric, row.std[name])}` : "") + (row.below.includes(name) ? " ↓" : "");
  return row.best.includes(test) ? make("b", {}, text) : text;
}

function sorted(rows, columns) {
  const column = columns.find((c) => c.name === (order.column ?? columns.find((own) => own.metric)?.name));
  if (!column) return rows;
  const sign = order.down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [column.of(a), column.of(b)];
    if (!known(x) || !known(y)) return known(x) ? -1 : known(y) ? 1 : 0;
    return sign * (typeof x === "string" ? x.localeCompare(y) : x - y);
  });
}

// What the numbers of a section are, under which pattern, and who leads there.
function what(section) {
  const own = scoresOf(section);
  const tests = [...new Set(own.map((each) => each.test))];
  const named = [...new Set(own.map((each) => `${each.metric.heading} (${each.metric.direction})`))].join("; ");
  return tests.length > 1 ? named : `${named}, tested: ${every(section)[tests[0]]}. ${capital(section.verdicts[tests[0]] ?? "")}`.trim();
}

function tables() {
  at("tables").replaceChildren(...chosen().map((section) => {
    const columns = columnsOf(section);
    const sorts = order.column ?? columns.find((own) => own.metric)?.name;
    const head = columns.map((c) => {
      const by = sorts === c.name ? (order.down !== Boolean(c.turned) ? "descending" : "ascending") : "none";
      const click = () => { order = { column: c.name, down: sorts === c.name ? !order.down : !["family", "label"].includes(c.name) }; tables(); };
      return make("th", { scope: "col", "aria-sort": by }, make("button", { type: "button", onclick: click }, c.title));
    });
    const body = sorted(section.rows.filter(wanted), columns).map((row) =>
      make("tr", { class: [row.network ? "" : "floor", row.note ? "noted" : ""].join(" ").trim(), title: row.note || null }, ...columns.map((c) => make("td", {}, c.shown(row)))));
    const told = (c, values) => (c.metric && values[c.name]?.length !== 0 && known(values[c.name]) ? between(c.metric, values[c.name]) : shown({}, null));
    const below = [["ceiling", (c) => told(c, section.ceiling)], ["minimum detectable difference", (c) => told(c, section.detectable)], [section.floor_name, (c) => section.floors[c.name] ?? shown({}, null)]]
      .map(([name, of]) => [name, Object.fromEntries(columns.filter((c) => c.metric).map((c) => [c.name, of(c)]))])
      .filter(([, values]) => Object.values(values).some((text) => text !== shown({}, null)))
      .map(([name, values]) => make("tr", { class: "below" }, ...columns.map((c) => make("td", {}, c.name === "label" ? name : values[c.name] ?? ""))));
    return make("div", {}, make("h3", {}, section.title), make("p", { class: "hint" }, what(section)), make("div", { class: "scroll" }, make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body, ...below))));
  }));
}

// Drawings

// "nought": x is logarithmic, and what is 0 has a place of its own left of it.
function frame(width, height, x, y, titles, nought = false) {
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": titles.join(", ") });
  // Half of the longest number of an axis has room at the right.
  const box = { left: 46, right: width - 26, top: 8, bottom: height - 34 };
  const [zero, left] = nought ? [box.left + 12, box.left + 54] : [null, box.left];
  const px = (v) => (v === -Infinity ? zero : left + ((v - x[0]) / (x[1] - x[0] || 1)) * (box.right - left));
  const py = (v) => box.bottom - ((v - y[0]) / (y[1] - y[0] || 1)) * (box.bottom - box.top);
  for (const [v, text] of titles[2](y)) {
    svg.append(draw("line", { class: "grid", x1: box.left, x2: box.right, y1: py(v), y2: py(v) }));
    svg.append(draw("text", { x: box.left - 5, y: py(v) + 4, "text-anchor": "end" }, text));
  }
  for (const [v, text] of titles[3](x)) svg.append(draw("text", { x: px(v), y: box.bottom + 14, "text-anchor": "middle" }, text));
  if (nought) {
    svg.append(draw("line", { class: "grid", x1: (zero + left) / 2, x2: (zero + left) / 2, y1: box.top, y2: box.bottom }));
    svg.append(draw("text", { x: zero, y: box.bottom + 14, "text-anchor": "middle" }, "0"));
  }
  svg.append(draw("text", { x: (box.left + box.right) / 2, y: height - 4, "text-anchor": "middle" }, titles[0]));
  return { svg, px, py };
}

const path = (xs, ys, px, py) => xs.map((v, k) => (known(ys[k]) ? `${k ? "L" : "M"}${px(v).toFixed(1)} ${py(ys[k]).toFixed(1)}` : "")).join("");
// Each value holds until the next one, as a share that rises at events does.
const steps = (xs, ys, px, py) => path([...xs.slice(0, 1), ...xs.slice(1).flatMap((v) => [v, v])], [...ys.slice(0, -1).flatMap((v) => [v, v]), ...ys.slice(-1)], px, py);
const legend = (labels) => make("div", { class: "legend" }, ...labels.map((label) => {
  const line = draw("svg", { viewBox: "0 0 24 6" });
  line.append(draw("line", { x1: 0, x2: 24, y1: 3, y2: 3, ...look(label) }));
  return make("span", {}, line, label);
}));
// The next round number above in the metric's range, so that the lines of the grid fall on round ones.
const above = (metric, value) => (metric.low === 0 && metric.high === 1 ? [0.2, 0.4, 0.6, 0.8].find((v) => value <= v) ?? 1 : value);
const bounds = (values) => { const own = values.filter(known); return [Math.min(...own), Math.max(...own)]; };

// From a metric's lower bound, or the lowest value where it has none, to above the highest.
const heights = (metric, values) => { const [low, high] = bounds(values); return [metric.low ?? low, above(metric, high)]; };

// What stands at an axis: values and their texts, at quarters, or at round numbers with as many digits as their step needs.
const quarters = (text) => ([low, high]) => [0, 1, 2, 3, 4].map((k) => low + (k / 4) * (high - low)).map((v) => [v, text(v)]);
const rounds = (scale = 1, least = 0) => ([low, high]) => {
  if (!(high > low)) return [[low, short(scale * low)]];
  const [from, to] = [scale * low, scale * high];
  const ten = 10 ** Math.floor(Math.log10((to - from) / 7));
  const step = Math.max(least, [1, 2, 5, 10].find((v) => v * ten * 7 >= (to - from) * (1 - 1e-9)) * ten);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const first = Math.ceil(from / step - 1e-9);
  return Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, k) => (first + k) * step).map((v) => [v / scale, v.toFixed(digits)]);
};

const panel = (title, svg) => make("figure", {}, make("figcaption", {}, title), svg);

function curves() {
  const found = [];
  for (const section of chosen()) {
    for (const [pattern, own] of Object.entries(section.curves).filter(([name]) => section.tests[`score ${name}`])) {
      const rows = section.rows.filter((row) => wanted(row) && own.rows[row.label]);
      if (!rows.length) continue;
      const metric = section.curve_metric;
      const all = [...rows.flatMap((row) => own.rows[row.label].mean), ...own.ceiling];
      const { svg, px, py } = frame(420, 260, [0, 1], heights(metric, all), ["samples that lose something, %", named(metric), rounds(metric.scale), quarters((v) => percent(v, 0))]);
      if (own.ceiling.length) svg.append(draw("path", { class: "reference", "stroke-dasharray": "2 3", d: path(own.rates, own.ceiling, px, py) }));
      for (const row of rows) {
        const line = draw("path", { d: path(own.rates, own.rows[row.label].mean, px, py), fill: "none", ...look(row.label) });
        line.append(draw("title", {}, row.label));
        svg.append(line);
      }
      found.push(panel(`${metric.heading} (${metric.direction}): ${section.title}, tested with ${every(section)[`score ${pattern}`]}${own.ceiling.length ? " (dotted: ceiling)" : ""}`, svg));
    }
  }
  at("of-curves").textContent = [...new Set(chosen().map((s) => s.of_curves))].join("; ");
  place("curves", found, legend(ranked.filter((label) => chosen().some((s) => s.rows.some((row) => row.label === label && wanted(row))))));
}

// The chosen score under the chosen test against the chosen cost.
function pareto() {
  const [cost, name, title] = [at("cost").value, at("scored").value, at("scored-on").value];
  const [found, drawn] = [[], new Set()];
  for (const section of chosen()) {
    const metric = section.scores.find((own) => own.heading === name);
    const test = Object.keys(every(section)).find((own) => every(section)[own] === title);
    const column = metric?.columns[test];
    const rows = section.rows.filter((row) => wanted(row) && known(row.cost[cost]) && known(row.mean[column]));
    // Silent where no choice draws anything, because nothing there has a cost.
    if (rows.length < 2 && section.rows.filter((row) => known(row.cost[cost])).length < 2) continue;
    if (rows.length < 2) { found.push(make("p", {}, `${section.title}: not drawn, because fewer than two of the chosen methods have this score and this cost.`)); continue; }
    // Of 0 it is -Infinity, which has its own place.
    const xs = rows.map((row) => Math.log10(row.cost[cost]));
    const some = xs.filter(Number.isFinite);
    if (!some.length) { found.push(make("p", {}, `${section.title}: not drawn, because each costs 0: ${rows.map((row) => row.label).join(", ")}.`)); continue; }
    const [low, high] = bounds(some);
    // What nearly costs the same lies together: the ends are a factor of 1.5 apart at least.
    const pad = Math.max(0.08 * (high - low), (Math.log10(1.5) - (high - low)) / 2);
    const ys = bounds(rows.flatMap((row) => [row.low[column] ?? row.mean[column], row.high[column] ?? row.mean[column]]));
    const room = 0.05 * (ys[1] - ys[0] || 1 / metric.scale);
    const { svg, px, py } = frame(420, 260, [low - pad, high + pad], [Math.max(metric.low ?? -Infinity, ys[0] - room), ys[1] + room], [DATA.costs[cost], named(metric), rounds(metric.scale), quarters((v) => short(10 ** v))], some.length < xs.length);
    rows.forEach((row, k) => {
      drawn.add(row.label);
      const [x, y] = [px(xs[k]), py(row.mean[column])];
      if (known(row.low[column])) svg.append(draw("line", { x1: x, x2: x, y1: py(row.low[column]), y2: py(row.high[column]), stroke: look(row.label).stroke, opacity: 0.5 }));
      const dot = draw("circle", { cx: x, cy: y, r: 4.5, fill: look(row.label).stroke });
      dot.append(draw("title", {}, `${row.label}: ${shown(metric, row.mean[column])}, ${short(row.cost[cost])}`));
      svg.append(dot);
    });
    found.push(panel(`${metric.heading} (${metric.direction}): ${section.title}, tested on ${title}; bars: 95 % of the mean`, svg));
  }
  place("pareto", found, legend(ranked.filter((label) => drawn.has(label))));
}

function classes() {
  const found = [];
  for (const section of chosen()) {
    const rows = section.rows.filter((row) => wanted(row) && section.by_class && section.by_class[row.label]);
    if (!rows.length || !section.classes.length) continue;
    const head = make("tr", {}, make("th", {}, ""), ...section.classes.map((name) => make("th", { scope: "col" }, name)));
    const body = rows.map((row) => make("tr", {}, make("th", { scope: "row" }, row.label), ...section.by_class[row.label].map((v) => {
      return make("td", { style: shade(v ?? 0) }, percent(v, 0));
    })));
    found.push(make("figure", {}, make("figcaption", {}, `${section.title}, tested on ${section.tested}`), make("div", { class: "scroll" }, make("table", { class: "heat" }, make("thead", {}, head), make("tbody", {}, ...body)))));
  }
  place("classes", found);
}

// What the chosen row decided: counts by label, or true classes by decided ones; and whether its probabilities hold.
function errors() {
  const [label, title] = [at("errs").value, at("errs-on").value];
  const found = [];
  for (const section of chosen()) {
    const test = Object.keys(every(section)).find((own) => every(section)[own] === title);
    const own = section.errors[label]?.[test];
    if (!own) continue;
    const about = `${label}: ${section.title}, tested: ${title}`;
    for (const [rule, counts] of Object.entries(own.counts)) {
      const table = own.one_by_one ? operating(own.labels, counts) : confusion(own.labels, counts);
      found.push(make("figure", { class: "wide" }, make("figcaption", {}, `${about}; decided: ${rule}`), make("div", { class: "scroll" }, table)));
    }
    if (own.risks) found.push(panel(`${about}: thirds by predicted risk; share that had the event (lines: Kaplan and Meier; dots: predicted)`, byRisk(own.risks)));
    if (own.bins) found.push(panel(`${about}: predicted probabilities and what is true of them (dotted: as it should be; bins with fewer than 10 are left out)`, reliable(own.bins)));
  }
  at("errors").hidden = !DATA.sections.some((s) => Object.keys(s.errors).length);
  at("errors").querySelector(".panels").replaceChildren(...(found.length ? found : [make("p", {}, "Not known for this method and test here.")]));
}

const share = (part, whole) => (whole ? percent(part / whole) : "—");
const line = (name, cells) => make("tr", {}, make("th", { scope: "row" }, name), ...cells.map((text) => make("td", {}, String(text))));

function operating(labels, counts) {
  const heads = ["", "with it", "found", "missed", "without", "false", "recall, %", "specificity, %", "precision, %"];
  const body = counts.map(([tn, fp, fn, tp], k) => line(labels[k], [fn + tp, tp, fn, tn + fp, fp, share(tp, tp + fn), share(tn, tn + fp), share(tp, tp + fp)]));
  return make("table", {}, make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)))), make("tbody", {}, ...body));
}

function confusion(labels, counts) {
  const body = counts.map((own, k) => {
    const whole = own.reduce((sum, v) => sum + v, 0);
    const cells = own.map((v) => make("td", { style: shade(whole ? v / whole : 0) }, String(v)));
    return make("tr", {}, make("th", { scope: "row" }, labels[k]), ...cells, make("td", {}, share(own[k], whole)));
  });
  const heads = ["what is true, by what was decided", ...labels, "recall, %"];
  const below = line("precision, %", [...labels.map((_, k) => share(counts[k][k], counts.reduce((sum, own) => sum + own[k], 0))), ""]);
  return make("table", { class: "heat" }, make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)))), make("tbody", {}, ...body, below));
}

function reliable([probability, share, count]) {
  const { svg, px, py } = frame(300, 260, [0, 1], [0, 1], ["predicted probability, %", "share that is true, %", quarters((v) => percent(v, 0)), quarters((v) => percent(v, 0))]);
  svg.append(draw("path", { class: "reference", "stroke-dasharray": "2 3", d: path([0, 1], [0, 1], px, py) }));
  const full = probability.map((_, k) => k).filter((k) => count[k] >= 10);
  svg.append(draw("path", { d: path(full.map((k) => probability[k]), full.map((k) => share[k]), px, py), fill: "none", stroke: LOOKS[0], "stroke-width": 2 }));
  for (const k of full) {
    const dot = draw("circle", { cx: px(probability[k]), cy: py(share[k]), r: 3.5, fill: LOOKS[0] });
    dot.append(draw("title", {}, `${percent(probability[k])} %: ${percent(share[k])} % of ${count[k]}`));
    svg.append(dot);
  }
  return svg;
}

// What became of groups by their risk, the lowest first, and what was predicted for them.
function byRisk({ times, horizons, n, predicted, observed }) {
  const top = [0.2, 0.4, 0.6, 0.8].find((v) => Math.max(...predicted.flat(), ...observed.flat()) <= v) ?? 1;
  const last = times[times.length - 1];
  const { svg, px, py } = frame(300, 260, [0, last], [0, top], ["time", "share that had the event, %", quarters((v) => percent(v, 0)), quarters((v) => short(v))]);
  const names = n.length === 3 ? ["lowest third", "middle third", "highest third"] : n.map((_, k) => `group ${k + 1}`);
  n.forEach((count, k) => {
    const line = draw("path", { d: steps(times, observed[k], px, py), fill: "none", stroke: LOOKS[k], "stroke-width": 2 });
    line.append(draw("title", {}, `${names[k]}, ${count} samples`));
    svg.append(line);
    horizons.forEach((at, h) => {
      const dot = draw("circle", { cx: px(at), cy: py(predicted[k][h]), r: 3.5, fill: LOOKS[k] });
      dot.append(draw("title", {}, `${names[k]}, ${count} samples, by ${short(at)}: ${percent(predicted[k][h])} % predicted`));
      svg.append(dot);
    });
  });
  return svg;
}

// The colour of a share in a table.
const shade = (v) => `background:hsl(${Math.round(250 - 190 * v)} 60% ${Math.round(28 + 45 * v)}%);color:${v > 0.55 ? "#000" : "#fff"}`;

function place(id, figures, key) {
  at(id).hidden = !figures.length;
  at(id).querySelector(".panels").replaceChildren(...figures);
  at(id).querySelector(".legend")?.remove();
  if (key) at(id).append(key);
}

// Which method?

function answer() {
  at("rate-shown").textContent = `${at("rate").value} %`;
  const rate = Number(at("rate").value) / 100;
  const found = [];
  for (const section of chosen()) {
    const own = section.curves[at("pattern").value];
    if (!own) continue;
    const place = own.rates.reduce((best, v, k) => (Math.abs(v - rate) < Math.abs(own.rates[best] - rate) ? k : best), 0);
    const metric = section.curve_metric;
    const dearest = Math.max(...section.rows.map((row) => row.cost.gflops_step ?? 0));
    const limits = [
      ...(at("budget").value ? [[at("budget").value === "1" ? "share_adapter" : "share_total", Number(at("budget").value)]] : []),
      ...(at("compute").value ? [["gflops_step", Number(at("compute").value) * dearest]] : []),
    ];
    const asked = section.rows.filter((row) => own.rows[row.label] && !row.note);
    // What costs an unknown amount fits no budget.
    const unknown = asked.filter((row) => row.network && limits.some(([name]) => !known(row.cost[name])));
    const lacks = unknown.length ? ` Cost not known: ${unknown.map((row) => row.label).join(", ")}.` : "";
    const rows = asked.filter((row) => !row.network || limits.every(([name, most]) => known(row.cost[name]) && row.cost[name] <= most))
      .map((row) => ({ row, mean: own.rows[row.label].mean[place], low: own.rows[row.label].low[place], high: own.rows[row.label].high[place] }))
      .sort((a, b) => oriented(metric, b.mean) - oriented(metric, a.mean));
    if (!rows.length) { found.push(make("div", {}, make("h3", {}, section.title), make("p", {}, `Nothing fits that budget.${lacks}`))); continue; }
    const first = rows[0];
    // The smallest difference is that of the scores in the table, which may be another metric than the curves'.
    const [, told] = metric.title === section.metric.title ? section.detectable[`score ${at("pattern").value}`] : [null, null];
    const overlaps = (r) => known(first.low) && known(r.high) && r.high >= first.low && r.low <= first.high;
    const near = rows.slice(1).filter((r) => known(told) && r.row.network && first.row.network ? Math.abs(first.mean - r.mean) < told : overlaps(r));
    const lead = `${first.row.label} scores ${shown(metric, first.mean)}` + (known(first.low) ? ` (${shown(metric, first.low)} to ${shown(metric, first.high)})` : "") + ` with ${percent(own.rates[place], 0)} % missing (${named(metric)}).`;
    const alike = near.map((r) => `${r.row.label} (${shown(metric, r.mean)})`).join(", ");
    // The sentence is about all rows, also those that a budget leaves out.
    const said = limits.length
      ? " What all scores say together is about all methods, so it is shown only without a budget."
      : ` By ${section.agree.join(", ")}, at the missing rate of the table: ${section.verdicts[`score ${at("pattern").value}`] ?? "no result"}.`;
    const all = section.agree.length > 1 ? ` One score alone does not decide a lead.${said}${alike && ` By this score alone, not clearly different: ${alike}.`}` : null;
    const others = rows.length > 1 ? ` All others ${limits.length ? "that fit " : ""}are clearly lower or higher.` : "";
    const tie = all ?? (alike ? ` Not clearly different: ${alike}.` : known(first.low) ? others : " One seed allows no test of the order.");
    const without = first.row.network ? "" : " It trains no network: try it on your data before you train one.";
    found.push(make("div", {}, make("h3", {}, section.title), make("p", {}, make("span", { class: "lead" }, lead), tie + without + lacks)));
  }
  at("choose").hidden = !DATA.sections.some((s) => Object.keys(s.curves).length);
  at("answer").replaceChildren(...found);
}

// Cells

function described(cell) {
  const items = [];
  const add = (name, value) => { if (known(value) && value !== "") items.push(make("dt", {}, name), make("dd", {}, value)); };
  add("key", cell.key);
  add("error", cell.error);
  add("seconds", known(cell.seconds) ? short(cell.seconds) : null);
  add("trained", cell.trained ? Object.entries(cell.trained).map(([k, v]) => `${k} ${v}`).join(", ") : null);
  add("masks", cell.realised ? Object.entries(cell.realised).map(([split, own]) => `${split}: ${Object.entries(own).map(([k, v]) => `${k} ${short(v)}`).join(", ")}`).join("; ") : null);
  add("recipe", Object.entries(cell.recipe).map(([k, v]) => `${k} ${v}`).join(", "));
  add("ran on", [cell.device, cell.commit, ...Object.entries(cell.versions).map(([k, v]) => `${k} ${v}`)].filter(known).join(", "));
  const parts = [make("dl", {}, ...items)];
  const steps = (cell.history || []).filter((row) => known(row[2]));
  if (steps.length > 1) {
    const xs = steps.map((row) => row[0]);
    const [metric, high] = [cell.metric, Math.max(...steps.map((row) => row[2]))];
    const low = metric.low ?? Math.min(...steps.map((row) => row[2]));
    const { svg, px, py } = frame(420, 180, bounds(xs), [low, high > low ? high : low + 1], [`step (line: ${named(metric)} on validation; mark: what was kept)`, named(metric), rounds(metric.scale), rounds(1, 1)]);
    svg.append(draw("path", { d: path(xs, steps.map((row) => row[2]), px, py), fill: "none", stroke: LOOKS[0], "stroke-width": 2 }));
    const kept = steps.find((row) => row[0] === cell.best);
    if (kept) svg.append(draw("circle", { cx: px(kept[0]), cy: py(kept[2]), r: 4, fill: LOOKS[1] }));
    parts.push(make("figure", { style: "max-width:460px" }, svg));
  }
  return parts;
}

function cells() {
  const keys = new Set(chosen().flatMap((s) => s.rows.filter(wanted).flatMap((row) => row.keys)));
  const own = DATA.cells.filter((cell) => keys.has(cell.key) || cell.status !== "done")
    .sort((a, b) => a.label.localeCompare(b.label, "en", { numeric: true }));
  at("cell-list").replaceChildren(...own.map((cell) => {
    const node = make("details", { class: cell.status === "done" ? "" : "failed", id: cell.key }, make("summary", {}, `${cell.label}${cell.status === "done" ? "" : `: ${cell.status}`}`));
    node.addEventListener("toggle", () => { if (node.open && node.children.length === 1) node.append(...described(cell)); });
    return node;
  }));
}

function show() { tables(); answer(); curves(); pareto(); classes(); errors(); cells(); }

options("dataset", [...new Set(DATA.sections.map((s) => s.dataset))], "all");
options("trained", [...new Set(DATA.sections.map((s) => s.trained))], "all");
options("family", [...new Set(DATA.sections.flatMap((s) => s.rows.map((r) => r.family)))].filter(Boolean), "all");
options("pattern", [...new Set(DATA.sections.flatMap((s) => Object.keys(s.curves)))]);
options("errs", [...new Set(DATA.sections.flatMap((s) => Object.keys(s.errors)))]);
for (const id of ["errs-on", "scored-on"]) options(id, [...new Set(DATA.sections.flatMap((s) => Object.values(every(s))))]);
options("scored", [...new Set(DATA.sections.flatMap((s) => s.scores.map((own) => own.heading)))]);
// First what the first section's sentence is about.
if (DATA.sections[0]) {
  const [first] = DATA.sections;
  const best = first.rows.filter((row) => row.network && first.errors[row.label] && known(row.mean[first.main])).sort((a, b) => oriented(first.metric, b.mean[first.main]) - oriented(first.metric, a.mean[first.main]))[0];
  if (best) at("errs").value = best.label;
  for (const id of ["errs-on", "scored-on"]) at(id).value = every(first)[first.main];
}
at("cost").replaceChildren(...Object.entries(DATA.costs).map(([name, title]) => make("option", { value: name }, title)));
for (const id of ["dataset", "trained", "family", "search"]) at(id).addEventListener("input", show);
options("view", views());
at("view").addEventListener("input", () => { order = { column: null, down: true }; tables(); });
for (const id of ["pattern", "rate", "budget", "compute"]) at(id).addEventListener("input", answer);
for (const id of ["cost", "scored", "scored-on"]) at(id).addEventListener("input", pareto);
for (const id of ["errs", "errs-on"]) at(id).addEventListener("input", errors);
show();
