"use strict";
/* What follows from a decision under some prices, a volume and constraints. Python makes the model (crossfare.report.panel):
   what each method costs at the run's prices, and how many of what people state a price for. Here this is multiplied by
   stated prices and added, and must come out as in Python (tests/report/test_report_html.py). No document is touched.

   A decimal is {int: BigInt, exp: Number} and stands for int * 10 ** exp. Money is kept in whole
   units of 1e-12 USD (components) and 1e-15 USD (totals), so sums are exact. */
const Decision = (() => {
  const COMPONENT = 12, TOTAL = 15;

  // -- decimals ---------------------------------------------------------------------------------

  const power = (n) => 10n ** BigInt(n);
  const absolute = (n) => (n < 0n ? -n : n);
  const adjusted = ({int, exp}) => absolute(int).toString().length - 1 + exp;

  /** Read "0.28678", "20" or "1e-7"; null if the text is no such number. */
  function parse(text) {
    const found = /^\s*(-?)(\d{0,30})(?:\.(\d{0,30}))?(?:[eE]([-+]?\d{1,3}))?\s*$/.exec(String(text));
    if (!found || !(found[2] || found[3])) return null;
    const part = found[3] || "";
    return {int: BigInt(found[1] + (found[2] || "0") + part), exp: Number(found[4] || 0) - part.length};
  }

  /** A decimal in whole units of 10 ** -places; halves go to the even one, or `up`. */
  function whole({int, exp}, places, up) {
    const shift = exp + places;
    if (shift >= 0) return int * power(shift);
    const unit = power(-shift), rest = 2n * (absolute(int) % unit);
    const more = rest > unit || (rest === unit && (up || (int / unit) % 2n !== 0n));
    return int / unit + (more ? (int < 0n ? -1n : 1n) : 0n);
  }

  function compare(a, b) {
    const exp = Math.min(a.exp, b.exp);
    const left = a.int * power(a.exp - exp), right = b.int * power(b.exp - exp);
    return left < right ? -1 : left > right ? 1 : 0;
  }

  /** All digits, without an exponent. */
  function plain({int, exp}) {
    if (exp >= 0) return (int * power(exp)).toString();
    const digits = absolute(int).toString().padStart(1 - exp, "0");
    return `${int < 0n ? "-" : ""}${digits.slice(0, exp)}.${digits.slice(exp)}`;
  }

  /** A double's exact value as a decimal. */
  function exactly(number) {
    let value = number, exp = 0;
    while (!Number.isInteger(value)) { value *= 2; exp += 1; }
    return {int: BigInt(value) * 5n ** BigInt(exp), exp: -exp};
  }

  /** Thousands separated, so many decimals; `up` rounds half up, else half to even. */
  function rounded(value, decimals, up) {
    const [before, after] = plain({int: whole(value, decimals, up), exp: -decimals}).split(".");
    return before.replace(/\B(?=(\d{3})+$)/g, ",") + (after ? `.${after}` : "");
  }

  // -- how numbers are shown (crossfare.report.numbers) -------------------------------------------

  function amount(value) {
    if (value.int === 0n) return "0";
    if (compare(value, {int: 1n, exp: -6}) < 0) return "<0.000001";
    return rounded(value, adjusted(value) >= 0 ? 2 : Math.max(2, 1 - adjusted(value)), true);
  }
  const money = (value) => `${amount(value)} USD`;
  const score = (value) => rounded(exactly(value), 3, false);
  const interval = (option) => `${score(option.low)}-${score(option.high)}`;
  const latency = (option) => (option.latency_ms === null ? "n.m." : amount(parse(option.latency_ms)));
  const count = (value) => (compare(value, {int: 100n, exp: 0}) >= 0 ? rounded(value, 0, false) : amount(value));
  const listed = (names) => (names.length === 1 ? names[0] : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`);

  // -- money ------------------------------------------------------------------------------------

  /** What lines cost, in units of 1e-12 USD, each rounded to one: their own cost, or their quantity at a stated price. */
  function cost(lines, prices) {
    const each = ([resource, own, quantity]) => {
      if (prices[resource] === undefined) return whole(parse(own), COMPONENT);
      const used = parse(quantity), price = parse(prices[resource]);
      return whole({int: used.int * price.int, exp: used.exp + price.exp}, COMPONENT);
    };
    return lines.map(each).reduce((sum, paid) => sum + paid, 0n);
  }

  /** What lines cost by the timing that they stand on, if on one: as `cost`, by its number. */
  function timedCosts(lines, prices) {
    const found = new Map();
    for (const line of lines) {
      const timing = line[3];
      if (timing !== null) found.set(timing, (found.get(timing) || 0n) + cost([line], prices));
    }
    return found;
  }

  /** Whether it is known which of two rows costs less, or that they cost the same: a difference of
   *  `fixed` + `recurring` * examples / 1000 against what is not known of seconds (crossfare.compare.timing_noise).
   *  At the smallest volumes only what is `fixed` counts, at the largest only what recurs. */
  function told(a, b, margins, [fixed, examples]) {
    const difference = ({fixed: once, recurring}, other) => (once - other.fixed) * fixed + (recurring - other.recurring) * examples;
    let off = 0n;
    for (const timing of new Set([a, b].flatMap(({timed}) => [...timed.once.keys(), ...timed.recurring.keys()]))) {
      const [own, others] = [a, b].map(({timed}) => ({fixed: timed.once.get(timing) || 0n, recurring: timed.recurring.get(timing) || 0n}));
      const part = whole(parse(margins[timing]), 6) * difference(own, others);
      off += part * part;
    }
    const apart = difference(a, b) * power(6);
    return off === 0n || apart * apart > off;
  }
  const AT_START = [1n, 0n], AT_LENGTH = [0n, 1n];

  function breakEvens(rows, margins) {
    const found = [];
    rows.forEach((a, index) => rows.slice(index + 1).forEach((b) => {
      const once = b.fixed - a.fixed, again = a.recurring - b.recurring;
      const known = told(a, b, margins, AT_START) && told(a, b, margins, AT_LENGTH);
      const examples = known && ((once > 0n && again > 0n) || (once < 0n && again < 0n)) ? (1000 * Number(once)) / Number(again) : null;
      const inOrder = a.fixed < b.fixed || (a.fixed === b.fixed && a.recurring <= b.recurring);
      found.push({first: inOrder ? a : b, then: inOrder ? b : a, examples, withinNoise: !known});
    }));
    const rank = (each) => (each.examples === null ? 1 : 0);
    return found.sort((a, b) => rank(a) - rank(b) || a.examples - b.examples);
  }

  // -- fronts -----------------------------------------------------------------------------------

  /** The best option that is at least as good at no higher price, and better in one of the two; a lower price must be `known`. */
  function dominator(row, rows, price, known = () => true) {
    let best = null;
    for (const other of rows) {
      if (other.option.quality < row.option.quality) continue;
      const better = other.option.quality > row.option.quality, cheaper = price(other) < price(row);
      if (!(price(other) === price(row) ? better : cheaper && known(row, other))) continue;
      const wins = best === null || other.option.quality > best.option.quality
        || (other.option.quality === best.option.quality && price(other) < price(best));
      if (wins) best = other;
    }
    return best;
  }

  function front(rows, price, known) {
    const kept = rows.filter((row) => dominator(row, rows, price, known) === null);
    return kept.sort((a, b) => (price(a) < price(b) ? -1 : price(a) > price(b) ? 1 : 0));
  }

  // -- the choice -------------------------------------------------------------------------------

  function broken({option, total}, asked) {
    const found = [];
    if (asked.minQuality !== null && option.quality < asked.minQuality) found.push("min-quality");
    if (asked.maxLatencyMs !== null) {
      if (option.latency_ms === null) found.push("latency-not-measured");
      else if (option.latency_ms > asked.maxLatencyMs) found.push("max-latency");
    }
    if (asked.maxUsd !== null && compare({int: total, exp: -TOTAL}, asked.maxUsd) > 0) found.push("max-usd");
    if (option.baseline !== null && option.low <= option.baseline) found.push("baseline");
    return found;
  }

  function holm(values) {
    const order = values.map((_, index) => index).sort((a, b) => values[a] - values[b]);
    const result = new Array(values.length);
    let largest = 0;
    order.forEach((index, rank) => {
      largest = Math.max(largest, Math.min(1, (values.length - rank) * values[index]));
      result[index] = largest;
    });
    return result;
  }

  /** The paired tests of the best against the others, adjusted. */
  function testsAgainst(best, allowed, pairs) {
    const found = [];
    for (const {option} of allowed) {
      const pair = pairs.find(({a, b}) => (a === best.option.key && b === option.key) || (b === best.option.key && a === option.key));
      if (pair) found.push({key: option.key, difference: pair.a === best.option.key ? pair.difference : -pair.difference, p: pair.p});
    }
    const adjustedValues = holm(found.map((each) => each.p));
    return new Map(found.map((each, index) => [each.key, {difference: each.difference, p: adjustedValues[index]}]));
  }

  /** The first of the highest by `value`; null of none. */
  const highest = (rows, value) => rows.reduce((best, row) => (best === null || value(row) > value(best) ? row : best), null);

  function preferred(a, b) {
    if (a.total !== b.total) return a.total < b.total;
    if (a.option.quality !== b.option.quality) return a.option.quality > b.option.quality;
    return (a.option.latency_ms ?? Infinity) < (b.option.latency_ms ?? Infinity);
  }

  function choose(rows, {pairs, alpha}, asked, known) {
    const excluded = new Map(rows.map((row) => [row, broken(row, asked)]));
    const allowed = rows.filter((row) => !excluded.get(row).length);
    const best = highest(allowed, (row) => row.option.quality);
    const tests = best ? testsAgainst(best, allowed, pairs) : new Map();
    const worse = (row) => {
      if (row.option.quality === best.option.quality) return false;
      const test = tests.get(row.option.key);
      return !test || (test.p < alpha && test.difference > 0);
    };
    const limit = best && highest(allowed.filter(worse), (row) => row.option.quality);
    const tied = allowed.filter((row) => !limit || row.option.quality > limit.option.quality);
    const chosen = tied.reduce((found, row) => (found === null || preferred(row, found) ? row : found), null);
    const verdicts = rows.map((row) => {
      const rules = excluded.get(row);
      if (rules.length) return {row, status: rules.join() === "baseline" ? "not-above-baseline" : "excluded", other: null, broken: rules, test: null};
      const test = tests.get(row.option.key) || null, verdict = (status, other) => ({row, status, other, broken: [], test});
      if (row === chosen) return verdict("recommended", null);
      const stronger = dominator(row, allowed, (each) => each.total, known);
      if (stronger) return verdict("dominated", stronger);
      if (tied.includes(row)) return verdict("tied", chosen);
      return worse(row) ? verdict("worse", best) : verdict("below-worse", limit);
    });
    return {chosen, best, tied, verdicts};
  }

  /** Everything that follows from a model under some settings:
   *    examples      BigInt, in all
   *    months        BigInt, how long translations are kept
   *    prices        stated ones by resource, as text, in USD per device-hour, million characters or tokens, example
   *    minQuality, maxLatencyMs (numbers), maxUsd (decimal): constraints, or null
   *    withoutReference   leave out reference translations */
  function decide(model, settings) {
    const options = model.options.filter((option) => !(settings.withoutReference && option.reference));
    const rows = options.map((option) => {
      const [once, kept, recurring] = [option.fixed, option.kept, option.recurring].map((lines) => cost(lines, settings.prices));
      const fixed = once + kept * settings.months;
      const [timedOnce, timedRecurring] = [option.fixed, option.recurring].map((lines) => timedCosts(lines, settings.prices));
      const timed = {once: timedOnce, recurring: timedRecurring};
      return {option, once, kept, fixed, recurring, timed, total: fixed * 1000n + recurring * settings.examples};
    });
    const known = (a, b) => told(a, b, model.margins, [1000n, settings.examples]);
    return {
      rows,
      ...choose(rows, model, settings, known),
      costFront: front(rows, (row) => row.total, known),
      latencyFront: front(rows.filter((row) => row.option.latency_ms !== null), (row) => row.option.latency_ms),
      breakEvens: breakEvens(rows, model.margins),
    };
  }

  const onceUsd = (row) => ({int: row.once, exp: -COMPONENT});
  const keptUsd = (row) => ({int: row.kept, exp: -COMPONENT});
  const fixedUsd = (row) => ({int: row.fixed, exp: -COMPONENT});
  const recurringUsd = (row) => ({int: row.recurring, exp: -COMPONENT});
  const totalUsd = (row) => ({int: row.total, exp: -TOTAL});

  // -- in sentences (crossfare.report.decision) -----------------------------------------------------

  function explain(model, settings, found) {
    if (!found.chosen) return [`No method ${demanded(model, found)}.`, ...found.verdicts.map((v) => `- ${whyNot(model, settings, found, v)}`)];
    const others = found.verdicts.filter(({row}) => row !== found.chosen);
    return [
      `Recommended: ${describe(model, found.chosen)}.`,
      reason(model, found),
      ...warnings(model, settings, found.chosen.option),
      ...others.map((verdict) => `- ${whyNot(model, settings, found, verdict)}`),
    ];
  }

  function describe(model, row) {
    const {option} = row;
    const added = option.latency_ms === null ? "added latency not measured"
      : option.latency_ms ? `${latency(option)} ms added to a request` : "no added latency";
    const kept = option.kept.length ? `, ${money(keptUsd(row))} a month to keep translations` : "";
    return `${option.label}: ${model.metric_label} ${score(option.quality)} (${interval(option)}), ${money(totalUsd(row))} in all `
      + `(${money(onceUsd(row))} once${kept}, ${money(recurringUsd(row))} per 1,000 examples), ${added}`;
  }

  function reason(model, {chosen, best, tied, verdicts}) {
    const allowed = verdicts.filter(({broken}) => !broken.length);
    if (allowed.length === 1) return verdicts.length > 1 ? `It is the only method that ${demanded(model, {verdicts})}.` : "There is no other method.";
    if (tied.length === 1 && allowed.some(({status, test}) => status === "worse" && !test)) return "It has the best score, but not every other one was tested on the same examples.";
    if (tied.length === 1) return "It has the best score, and every other one is significantly worse (paired tests, Holm's correction).";
    const names = listed(tied.map(({option}) => option.label));
    const text = `There is no clear winner on quality: the scores of ${names} are not told apart (paired tests).`;
    return chosen === best ? `${text} It has the best score and is the cheapest of them at this volume.` : `${text} It is the cheapest of them at this volume.`;
  }

  /** What the methods that are left out fail to do, as the predicate of a sentence. */
  function demanded(model, {verdicts}) {
    const rules = new Set(verdicts.flatMap(({broken}) => broken)), trivial = rules.delete("baseline");
    const parts = rules.size ? ["keeps the constraints"] : [];
    if (trivial) parts.push(`is above the trivial baseline (${model.trivial_label})`);
    return parts.join(" and ");
  }

  function warnings(model, settings, option) {
    const found = [];
    if (option.reference) {
      found.push(`Mind that this is no system's translation: ${option.note}. Leave such rows out with \`--without reference\`.`);
    } else if (option.note) found.push(`${option.label}: ${option.note}.`);
    if (settings.minQuality !== null && option.low < settings.minQuality) {
      found.push(`Its interval reaches below the asked ${settings.minQuality}: more test examples would settle that.`);
    }
    if (option.baseline === null) {
      found.push(`Whether it is above the trivial baseline (${model.trivial_label}) is not known: its run was made before that was recorded; run its spec again.`);
    }
    return found;
  }

  function whyNot(model, settings, found, verdict) {
    const {row, status, other} = verdict, name = row.option.label;
    if (status === "not-above-baseline") return `${name} is not above the trivial baseline: ${brokenText(model, settings, "baseline", row)}.`;
    if (status === "excluded") return `${name} breaks a constraint: ${verdict.broken.map((rule) => brokenText(model, settings, rule, row)).join(", ")}.`;
    const costs = `${money(totalUsd(row))} against ${money(totalUsd(other))}`;
    if (status === "dominated") return `${name} is dominated by ${other.option.label}: ${score(row.option.quality)} against ${score(other.option.quality)}, ${costs}.`;
    if (status === "tied") return `${name} is not significantly better than the cheaper ${other.option.label}${tie(found, verdict)}: ${costs}.`;
    if (status === "worse" && !verdict.test) return `${name} scores less than ${other.option.label}, on other test examples: no paired test is possible.`;
    if (status === "worse") return `${name} is significantly worse than ${other.option.label}${testText(verdict.test)}.`;
    return `${name} scores no higher than ${other.option.label}, which is worse than the best.`;
  }

  function tie({verdicts, best, chosen}, verdict) {
    if (verdict.row === best) return testText(verdicts.find(({row}) => row === chosen).test);
    return chosen !== best ? `, both tied with ${best.option.label}` : testText(verdict.test);
  }

  function testText(test) {
    if (!test) return " (no paired test is possible)";
    const p = test.p < 0.001 ? "< 0.001" : `= ${score(test.p)}`;
    return ` (difference ${score(Math.abs(test.difference))}, p ${p})`;
  }

  function brokenText(model, settings, rule, row) {
    if (rule === "min-quality") return `${model.metric_label} ${score(row.option.quality)} is below ${settings.minQuality}`;
    if (rule === "max-latency") return `it adds ${latency(row.option)} ms, more than ${settings.maxLatencyMs}`;
    if (rule === "baseline") return `${model.metric_label} ${score(row.option.quality)} (${interval(row.option)}) against ${score(row.option.baseline)} of ${model.trivial_label}`;
    if (rule === "latency-not-measured") return "its added latency was not measured";
    return `${money(totalUsd(row))} is over ${money(settings.maxUsd)}`;
  }

  return {parse, plain, exactly, amount, count, score, interval, latency, decide, explain, onceUsd, keptUsd, fixedUsd, recurringUsd, totalUsd};
})();
