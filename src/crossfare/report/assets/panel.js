"use strict";
/* The what-if panel: reads the form, asks Decision what follows, and shows it. Text from data only
   ever becomes text nodes. The settings are kept in the address (#...), so they can be bookmarked. */
(() => {
  const models = JSON.parse(document.getElementById("decisions").textContent);
  const panel = document.getElementById("what-if");
  const form = panel.querySelector("form");
  const field = (name) => form.elements.namedItem(name);
  const folded = panel.querySelector("details");
  let drawn = () => {}; // draws the charts of what is shown
  const shown = (name) => panel.querySelector(`[data-shown="${name}"]`);
  const stated = new Map(); // prices that were typed, by resource

  // -- small helpers ------------------------------------------------------------------------------

  function element(name, properties = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  /** An amount as people read it, with all its digits in the value. */
  const exact = (value, text) => element("data", {value: Decision.plain(value)}, text);
  const usd = (value) => exact(value, Decision.amount(value));

  /** Every row is headed by the first cell that is no number of a method; others know their column, for narrow screens. */
  function table(caption, heads, rows) {
    const naming = heads[0].title === "#" ? 1 : 0;
    const cell = (content, index, row) => element(index === naming ? "th" : "td",
      {...(index === naming ? {scope: "row"} : {"data-label": heads[index].title}), ...(heads[index].number && {class: "number"}), ...(row.best && {class: heads[index].number ? "number best" : "best"})}, content);
    const head = element("tr", {}, ...heads.map(({title, number}) => element("th", {scope: "col", ...(number && {class: "number"})}, title)));
    const body = rows.map((row) => element("tr", row.key === undefined ? {} : {"data-key": row.key}, ...row.cells.map((content, index) => cell(content, index, row))));
    return element("table", {}, element("caption", {}, caption), element("thead", {}, head), element("tbody", {}, ...body));
  }

  // -- the form -----------------------------------------------------------------------------------

  function showPrices(model) {
    const fields = Object.entries(model.rates).map(([resource, {own, per, source}], index) => {
      const id = `price-${index}`;
      const input = element("input", {id, name: `price:${resource}`, inputmode: "decimal", autocomplete: "off", "data-own": own, "aria-describedby": `${id}-source`});
      input.value = stated.get(resource) ?? own;
      input.addEventListener("input", () => {
        if (input.value.trim() === own) stated.delete(resource); else stated.set(resource, input.value);
      });
      return element("div", {class: "field"},
        element("label", {for: id}, `${resource}, USD per ${per}`), input,
        element("small", {id: `${id}-source`}, `in this run: ${own} (${source})`));
    });
    shown("prices").replaceChildren(...fields);
  }

  const whole = (text) => (/^\s*[1-9]\d{0,11}\s*$/.test(text) ? BigInt(text.trim()) : null);

  /** The settings that the form states, and the fields that are not understood. */
  function read(model) {
    const wrong = [];
    const ask = (name, reader, optional) => {
      const input = field(name);
      if (optional && !input.value.trim()) { input.removeAttribute("aria-invalid"); return null; }
      const value = reader(input.value);
      const bad = value === null || (value.int !== undefined && value.int < 0n);
      if (bad) { input.setAttribute("aria-invalid", "true"); wrong.push(input.labels[0].textContent); } else input.removeAttribute("aria-invalid");
      return value;
    };
    const number = (text) => { const value = Decision.parse(text); return value === null || value.int < 0n ? null : Number(text); };
    const volume = ask("volume", whole), months = ask("months", whole);
    const prices = {};
    for (const resource of Object.keys(model.rates)) {
      ask(`price:${resource}`, Decision.parse);
      if (stated.has(resource)) prices[resource] = stated.get(resource);
    }
    const settings = {
      volume, months, prices, margin: ask("margin", number), worth: ask("worth", Decision.parse, true),
      examples: volume === null || months === null ? null : volume * months,
      minQuality: ask("min-quality", number, true),
      maxLatencyMs: ask("max-latency-ms", number, true),
      maxUsd: ask("max-usd", Decision.parse, true),
      withoutReference: !field("with-reference").checked && model.options.some((option) => !option.reference),
    };
    return {settings, wrong};
  }

  // -- the address --------------------------------------------------------------------------------

  const KEPT = ["decision", "volume", "months", "margin", "worth", "min-quality", "max-latency-ms", "max-usd"];

  function toAddress() {
    const found = new URLSearchParams();
    for (const name of KEPT) if (field(name).value.trim()) found.set(name, field(name).value.trim());
    if (field("with-reference").checked) found.set("with-reference", "1");
    for (const [resource, text] of stated) found.set(`price:${resource}`, text);
    try { history.replaceState(null, "", `#${found}`); } catch { /* a viewer that forbids it: nothing is kept */ }
  }

  function fromAddress() {
    const found = new URLSearchParams(location.hash.slice(1));
    if (!KEPT.some((name) => found.has(name)) && ![...found.keys()].some((key) => key.startsWith("price:"))) return;
    folded.open = true;
    for (const name of KEPT) if (found.has(name)) field(name).value = found.get(name);
    field("with-reference").checked = found.get("with-reference") === "1";
    for (const [key, text] of found) if (key.startsWith("price:")) stated.set(key.slice("price:".length), text);
  }

  // -- what follows -------------------------------------------------------------------------------

  function update({rebuild = false, keep = true} = {}) {
    const model = models[Math.max(0, field("decision").selectedIndex)];
    if (rebuild) showPrices(model);
    field("with-reference").closest(".field").hidden = !model.options.some((option) => option.reference);
    const {settings, wrong} = read(model);
    shown("wrong").textContent = wrong.length ? `Not understood: ${wrong.join("; ")}. Write whole numbers for volume and months, and amounts with a point: 0.50.` : "";
    if (wrong.length) return;
    if (keep) toAddress();
    show(model, settings, Decision.decide(model, settings));
  }

  function show(model, settings, found) {
    shown("examples").textContent = `${model.where}, ${Decision.count({int: settings.examples, exp: 0})} examples in all:`;
    shown("choice").textContent = Decision.advice(model, settings, found);
    const mind = (found.chosen ?? found.leading)?.option;
    shown("mind").textContent = mind?.reference ? `Mind that this is no system's translation: ${mind.note}.` : mind?.note ? `${mind.label}: ${mind.note}.` : "";
    shown("methods").replaceChildren(methodTable(model, found));
    shown("break-evens").replaceChildren(...breakEvenTable(found, settings));
    drawn = () => draw(model, settings, found);
    drawn();
  }

  function methodTable(model, found) {
    const keeps = model.options.some((option) => option.kept.length);
    const storage = keeps ? [["Storage USD/month", 1]] : [];
    const heads = [["#"], ["Method"], [`${model.metric_label}, 95 %`, 1], ["One-time USD", 1], ...storage, ["Recurring USD/1k", 1], ["Total USD", 1], ["Added ms", 1], ["Front"], ["Best", 1], ["Within margin", 1], ["Regret", 1], ["Verdict"]]
      .map(([title, isNumber]) => ({title, number: Boolean(isNumber)}));
    const rows = [...found.verdicts].sort((a, b) => (a.row.total < b.row.total ? -1 : a.row.total > b.row.total ? 1 : 0)).map((each) => {
      const {row, best, within, regret} = each;
      const onCost = found.costFront.includes(row), onLatency = found.latencyFront.includes(row);
      return {
        key: row.option.key,
        best: row === found.chosen,
        cells: [
          String(row.option.number), row.option.label, `${Decision.score(row.option.quality)} (${Decision.interval(row.option)})`,
          usd(Decision.onceUsd(row)), ...(keeps ? [row.option.kept.length ? usd(Decision.keptUsd(row)) : "-"] : []), usd(Decision.recurringUsd(row)), usd(Decision.totalUsd(row)), Decision.latency(row.option),
          onCost && onLatency ? "both" : onCost ? "cost" : onLatency ? "latency" : "-",
          ...(best === undefined ? ["-", "-", "-"] : [Decision.percent(best), Decision.percent(within), Decision.points(regret)]), Decision.verdict(each),
        ],
      };
    });
    return table("Methods, cheapest first", heads, rows);
  }

  const FAR = 1000;

  function breakEvenTable(found, settings) {
    const {amount, count, exactly} = Decision;
    const crossing = found.breakEvens.filter(({examples}) => examples !== null);
    const near = crossing.filter(({examples}) => examples >= 1 && examples <= FAR * Number(settings.examples));
    const shownCount = (examples) => exact(exactly(examples), count(exactly(examples)));
    const heads = [{title: "Cheaper below"}, {title: "Cheaper above"}, {title: "Examples", number: true}, {title: "Months", number: true}];
    const rows = near.map(({first, then, examples}) => ({cells: [first.option.label, then.option.label, shownCount(examples), amount(exactly(examples / Number(settings.volume)))]}));
    const noisy = found.breakEvens.filter(({withinNoise}) => withinNoise).length;
    const never = found.breakEvens.length - crossing.length - noisy, far = crossing.length - near.length;
    const notes = [];
    if (never) notes.push(`In ${never} of ${found.breakEvens.length} pairs one method is cheaper at any volume.`);
    if (noisy) notes.push(`In ${noisy} of ${found.breakEvens.length} pairs which one is cheaper lies within what timings differ by.`);
    if (far) notes.push(`${far} more cross below one example or beyond 1,000 times the volume.`);
    const note = element("p", {class: "note"}, notes.join(" "));
    return rows.length ? [table("From how many examples on is one method cheaper than another?", heads, rows), note] : [note];
  }

  // -- charts -------------------------------------------------------------------------------------

  /** The rows that Python makes for the prices of the run (crossfare.report.charts). */
  function chartRows(model, settings, found) {
    const usd = (decimal) => Number(Decision.plain(decimal)), examples = Number(settings.examples), steps = 24;
    const volumes = [...new Set(Array.from({length: steps + 1}, (_, step) => Math.round((100 * examples) ** (step / steps))))];
    return found.verdicts.map(({row, best}) => ({
      ...row.option, target: model.target, examples, volumes,
      costs: volumes.map((volume) => usd(Decision.totalUsd(row, BigInt(volume)))), usd: usd(Decision.totalUsd(row)), mark: row === found.chosen ? "recommended" : row === found.leading ? "ahead" : "", best: best ?? 0, front: found.costFront.includes(row),
    })).sort((a, b) => a.number - b.number);
  }

  function draw(model, settings, found) {
    if (!folded.open) return;
    const rows = chartRows(model, settings, found);
    Charts.draw(shown("plane"), `cost-quality-${model.task}`, rows);
    Charts.draw(shown("curves"), `break-even-${model.task}`, rows);
  }

  // -- events -------------------------------------------------------------------------------------

  const own = new Map(KEPT.map((name) => [name, field(name).value]));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => update({rebuild: event.target.name === "decision"}));
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    stated.clear();
    for (const [name, value] of own) if (name !== "decision") field(name).value = value;
    field("with-reference").checked = false;
    update({rebuild: true});
  });
  addEventListener("hashchange", () => {
    const target = document.getElementById(location.hash.slice(1)); // a link of the contents: nothing is set by it
    if (target) { target.querySelector(":scope > details")?.setAttribute("open", ""); return; }
    stated.clear(); fromAddress(); update({rebuild: true, keep: false});
  });
  folded.addEventListener("toggle", () => drawn());
  panel.hidden = false;
  fromAddress();
  update({rebuild: true, keep: false});
})();
