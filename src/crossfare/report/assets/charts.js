"use strict";
/* Charts: each figure's picture becomes what Vega-Lite draws of the same spec, once it comes into view, in as many
   columns as there is room for. The interpreter of vega-embed (ast) needs no eval, which the page's policy forbids. */
const Charts = (() => {
  const made = JSON.parse(document.getElementById("charts").textContent);
  const LEAST = 185, MOST = 400, GAP = 22, AXIS = 60; // pixels: how wide a panel may be, and what stands left of the first
  const views = new Map(); // what was drawn, by its holder

  /** How many panels go side by side, and how wide each is. */
  function fit(holder, spec, rows) {
    const panels = spec.facet ? new Set(rows.map(({target}) => target)).size : (spec.concat ?? [0]).length;
    const room = holder.clientWidth - AXIS, most = Math.max(1, Math.min(panels, Math.floor(room / LEAST)));
    const columns = Math.ceil(panels / Math.ceil(panels / most)); // no row much shorter than the others
    return {columns, width: Math.round(Math.max(120, Math.min(MOST, room / columns - GAP)))};
  }

  /** Draw a chart, or its spec with other rows, into an element; what was drawn there before goes. */
  async function draw(holder, name, rows = made.rows[made.specs[name].rows]) {
    let {spec} = made.specs[name];
    if (rows.some(({usd}) => usd === 0)) { // no logarithm of nothing
      const linear = JSON.stringify(spec.spec).replaceAll('"field":"usd","type":"quantitative","title":"Total USD","scale":{"type":"log"}', '"field":"usd","type":"quantitative","title":"Total USD","scale":{}').replaceAll("log(datum.usd)", "datum.usd");
      spec = {...spec, spec: JSON.parse(linear)};
    }
    const {columns, width} = fit(holder, spec, rows);
    if (spec.facet) spec = {...spec, columns, spec: {...spec.spec, width}};
    if (spec.concat) spec = {...spec, columns};
    if (holder.clientWidth < 520) spec = {...spec, config: {...spec.config, legend: {...spec.config.legend, columns: 2}}};
    views.get(holder)?.finalize();
    const given = {...spec, datasets: {rows}};
    const drawn = await vegaEmbed(holder, given, {actions: false, ast: true, defaultStyle: false, renderer: "svg"});
    views.set(holder, Object.assign(drawn, {name, rows, room: holder.clientWidth}));
    return drawn;
  }

  /** Let all methods but one fade in the charts of an element; 0: none fades. */
  function pick(within, number) {
    for (const [holder, {view}] of views) if (within.contains(holder)) view.signal("picked", number).runAsync();
  }

  const seen = new IntersectionObserver((entries) => {
    for (const {target, isIntersecting} of entries.filter(({isIntersecting}) => isIntersecting)) {
      seen.unobserve(target);
      draw(target.querySelector(".scroll"), target.dataset.chart);
    }
  }, {rootMargin: "50%"});
  document.querySelectorAll("figure[data-chart]").forEach((figure) => seen.observe(figure));

  addEventListener("resize", () => {
    for (const [holder, {name, rows, room}] of views) if (holder.clientWidth && holder.clientWidth !== room) draw(holder, name, rows);
  });

  /* A method that is pointed at, or has the focus, stands out in its task's charts; pressing its number keeps it so. */
  for (const row of document.querySelectorAll(".heat tr[data-number]")) {
    const section = row.closest("section"), button = row.querySelector("button"), number = Number(row.dataset.number);
    const kept = () => Number(section.querySelector(".heat [aria-pressed=true]")?.closest("tr").dataset.number ?? 0);
    for (const event of ["mouseenter", "focusin"]) row.addEventListener(event, () => pick(section, number));
    for (const event of ["mouseleave", "focusout"]) row.addEventListener(event, () => pick(section, kept()));
    button.addEventListener("click", () => {
      const pressed = button.getAttribute("aria-pressed") === "true";
      section.querySelectorAll(".heat [aria-pressed]").forEach((each) => each.setAttribute("aria-pressed", "false"));
      button.setAttribute("aria-pressed", String(!pressed));
      pick(section, pressed ? 0 : number);
    });
  }

  return {draw};
})();
