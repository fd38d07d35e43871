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

  /** What an option uses of the offers that ask or give something each month (crossfare.compare.monthly): what costs
   *  `once`, and for 1,000 examples, at the unit price; what is `free` in a month, its `fee` and its `minimum`. */
  function accountsOf(option, rates, prices) {
    const found = new Map();
    for (const [when, lines] of [["once", option.fixed], ["recurring", option.recurring]]) {
      for (const line of lines) {
        const [resource] = line, {terms} = rates[resource];
        if (!terms) continue;
        if (!found.has(resource)) {
          const free = cost([[resource, terms.free_usd, terms.free]], prices);
          const [fee, minimum] = [terms.fee, terms.minimum].map((usd) => whole(parse(usd), COMPONENT));
          found.set(resource, {once: 0n, recurring: 0n, free, fee, minimum});
        }
        found.get(resource)[when] += cost([line], prices);
      }
    }
    return [...found.values()];
  }

  /** The months of an account in which it is used: the first, with what is paid once, and how many more. */
  const monthsOf = ({once, recurring}, months) => [[once, 1n], [0n, months - 1n]].filter(([used]) => used || recurring);

  /** What terms add to a total, in units of 1e-15 USD. */
  function termsCost(accounts, examples, months) {
    const scale = 1000n * months;
    let sum = 0n;
    for (const account of accounts) {
      const {recurring, free, fee, minimum} = account;
      for (const [used, times] of monthsOf(account, months)) {
        const paid = used * scale + recurring * examples;
        sum += times * (paid > (free + minimum) * scale ? (fee - free) * scale : (fee + minimum) * scale - paid);
      }
    }
    return whole({int: sum * power(TOTAL) / months, exp: -TOTAL}, 0);
  }

  /** A volume as a fraction of whole numbers. */
  const earlier = (a, b) => a.n * b.d - b.n * a.d;
  const START = {n: 0n, d: 1n};

  /** At which volumes a row's cost goes on as another line. */
  const kinksOf = ({accounts}, months) => accounts.flatMap((account) => monthsOf(account, months)
    .map(([used]) => ({n: (account.free + account.minimum - used) * months * 1000n, d: account.recurring}))
    .filter(({n, d}) => n > 0n && d > 0n));

  /** The line that a row's cost is from a volume on: in units of 1e-12 USD, and those of 1,000 examples times the months. */
  function lineFrom({fixed, recurring, accounts}, start, months) {
    const line = {fixed, slope: recurring * months};
    for (const account of accounts) {
      const {recurring: each, free, fee, minimum} = account;
      for (const [used, times] of monthsOf(account, months)) {
        const room = free + minimum - used;
        const beyond = each ? earlier({n: room * months * 1000n, d: each}, start) <= 0n : room < 0n;
        line.fixed += times * (beyond ? fee - free : fee + minimum - used);
        if (!beyond) line.slope -= times * each;
      }
    }
    return line;
  }

  /** Whether it is known which of two rows costs less, or that they cost the same: a difference `apart` against what is
   *  not known of seconds (crossfare.compare.timing_noise), of which what is `fixed` counts so often, and what recurs. */
  function told(a, b, margins, apart, [fixed, recurring]) {
    let off = 0n;
    for (const timing of new Set([a, b].flatMap(({timed}) => [...timed.once.keys(), ...timed.recurring.keys()]))) {
      const [own, others] = [a, b].map(({timed}) => [timed.once.get(timing) || 0n, timed.recurring.get(timing) || 0n]);
      const part = whole(parse(margins[timing]), 6) * ((own[0] - others[0]) * fixed + (own[1] - others[1]) * recurring);
      off += part * part;
    }
    return off === 0n || (apart * power(6)) ** 2n > off;
  }

  function breakEvens(rows, margins, months) {
    const found = [];
    rows.forEach((a, index) => rows.slice(index + 1).forEach((b) => {
      const starts = [START, ...[...kinksOf(a, months), ...kinksOf(b, months)].sort((one, other) => Number(earlier(one, other)))];
      const lines = starts.map((start) => {
        const [own, others] = [a, b].map((row) => lineFrom(row, start, months));
        return {fixed: own.fixed - others.fixed, slope: own.slope - others.slope};
      });
      const first = lines[0], last = lines[lines.length - 1];
      const aFirst = (first.fixed || first.slope || last.slope) <= 0n, inOrder = aFirst ? {first: a, then: b} : {first: b, then: a};
      const known = told(a, b, margins, first.fixed, [1n, 0n]) && told(a, b, margins, last.slope, [0n, months]);
      const crossings = lines.flatMap(({fixed, slope}, at) => {
        if (!(fixed && slope && (fixed < 0n) !== (slope < 0n))) return [];
        const volume = {n: absolute(fixed) * 1000n * months, d: absolute(slope)}, end = starts[at + 1];
        if (earlier(starts[at], volume) >= 0n || (end && earlier(volume, end) > 0n)) return [];
        return [{...(slope > 0n ? {first: a, then: b} : {first: b, then: a}), examples: Number(volume.n) / Number(volume.d), volume}];
      });
      if (known && crossings.length) found.push(...crossings.map((each) => ({...each, withinNoise: false})));
      else found.push({...inOrder, examples: null, withinNoise: !known});
    }));
    const rank = (each) => (each.examples === null ? 1 : 0);
    return found.sort((a, b) => rank(a) - rank(b) || (rank(a) ? 0 : Math.sign(Number(earlier(a.volume, b.volume)))));
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

  // -- the choice (crossfare.compare.recommend) -----------------------------------------------------

  function broken({option, total}, asked) {
    const found = [];
    if (asked.minQuality !== null && option.quality < asked.minQuality) found.push("min-quality");
    if (asked.maxLatencyMs !== null) {
      if (option.latency_ms === null) found.push("latency-not-measured");
      else if (option.latency_ms > asked.maxLatencyMs) found.push("max-latency");
    }
    if (asked.maxUsd !== null && compare({int: total, exp: -TOTAL}, asked.maxUsd) > 0) found.push("max-usd");
    if (!option.beats_baseline) found.push("baseline");
    return found;
  }

  const decoded = new WeakMap();

  /** A model's joint draws, an array of hundredths of a point for each option. */
  function drawsOf(model) {
    if (!decoded.has(model)) {
      const bytes = Uint8Array.from(atob(model.draws), (each) => each.charCodeAt(0)), view = new DataView(bytes.buffer);
      const count = bytes.length / 2 / model.options.length;
      decoded.set(model, new Map(model.options.map((option, index) =>
        [option.key, Int16Array.from({length: count}, (_, draw) => view.getInt16(2 * (index * count + draw), true))])));
    }
    return decoded.get(model);
  }

  /** For each method that is allowed: how probably it is best, and within the margin of the best, and its expected regret. */
  function weigh(allowed, model, asked) {
    const columns = allowed.map(({option}) => drawsOf(model).get(option.key)), count = columns[0]?.length ?? 0;
    const found = allowed.map((row) => ({row, best: 0, within: 0, regret: 0, regretUsd: asked.worth === null ? null : 0}));
    const worth = asked.worth && Number(plain({int: asked.worth.int * asked.examples, exp: asked.worth.exp}));
    const totals = allowed.map((row) => Number(plain({int: row.total, exp: -TOTAL})));
    for (let draw = 0; draw < count; draw += 1) {
      const scores = columns.map((column) => column[draw]), top = Math.max(...scores);
      const behind = scores.map((score) => top - score);
      let lost = behind.map((each) => each / 10000);
      if (worth !== null) {
        const benefits = scores.map((score, at) => (score / 10000) * worth - totals[at]), most = Math.max(...benefits);
        lost = benefits.map((benefit) => most - benefit);
      }
      const first = lost.filter((each) => each <= 1e-9).length;
      found.forEach((each, at) => {
        if (lost[at] <= 1e-9) each.best += 1 / first;
        if (behind[at] <= asked.margin * 100 + 1e-5) each.within += 1;
        each.regret += behind[at];
        if (worth !== null) each.regretUsd += lost[at];
      });
    }
    for (const each of found) {
      each.best /= count; each.within /= count; each.regret /= count * 10000;
      if (worth !== null) each.regretUsd /= count;
    }
    return found;
  }

  function preferred(a, b) {
    if (a.option.quality !== b.option.quality) return a.option.quality > b.option.quality;
    const [slow, slower] = [a, b].map(({option}) => option.latency_ms ?? Infinity);
    return slow !== slower ? slow < slower : a.total < b.total;
  }

  /** The cheapest; of those that may cost as little, as far as is `known`, the better one, of equal ones the faster. */
  function cheapest(rows, known) {
    const first = foremost(rows, (a, b) => a.total < b.total);
    return foremost(rows.filter((row) => row.total === first.total || !known(row, first)), preferred);
  }

  /** The first that no other one goes before; null of none. */
  const foremost = (each, before) => each.reduce((found, one) => (found === null || before(one, found) ? one : found), null);

  function choose(rows, model, asked, known) {
    const rules = new Map(rows.map((row) => [row, broken(row, asked)]));
    const weighed = weigh(rows.filter((row) => !rules.get(row).length), model, asked);
    const shown = weighed.filter(({within}) => within >= model.confidence), lost = (each) => each.regretUsd ?? each.regret;
    const leading = foremost(weighed, (a, b) => lost(a) < lost(b))?.row ?? null;
    const chosen = asked.worth === null ? cheapest(shown.map(({row}) => row), known) : leading;
    const verdicts = rows.map((row) => {
      const own = weighed.find((each) => each.row === row) ?? {row};
      if (rules.get(row).length) return {...own, status: rules.get(row).join() === "baseline" ? "not-above-baseline" : "excluded", broken: rules.get(row)};
      return {...own, status: row === chosen ? "recommended" : shown.includes(own) ? "within" : "open", broken: []};
    });
    return {chosen, leading, verdicts};
  }

  /** Everything that follows from a model under some settings:
   *    examples      BigInt, in all
   *    months        BigInt, how long translations are kept
   *    prices        stated ones by resource, as text, in USD per device-hour, million characters or tokens, example
   *    margin        points of quality below the best that nobody minds
   *    worth         what an error less is worth in USD (decimal), or null
   *    minQuality, maxLatencyMs (numbers), maxUsd (decimal): constraints, or null
   *    withoutReference   leave out reference translations */
  function decide(model, settings) {
    const options = model.options.filter((option) => !(settings.withoutReference && option.reference));
    const rows = options.map((option) => {
      const [once, kept, recurring] = [option.fixed, option.kept, option.recurring].map((lines) => cost(lines, settings.prices));
      const fixed = once + kept * settings.months;
      const [timedOnce, timedRecurring] = [option.fixed, option.recurring].map((lines) => timedCosts(lines, settings.prices));
      const timed = {once: timedOnce, recurring: timedRecurring};
      const accounts = accountsOf(option, model.rates, settings.prices);
      const totalAt = (examples) => fixed * 1000n + recurring * examples + termsCost(accounts, examples, settings.months);
      return {option, once, kept, fixed, recurring, timed, accounts, totalAt, total: totalAt(settings.examples)};
    });
    const known = (a, b) => told(a, b, model.margins, a.total - b.total, [1000n, settings.examples]);
    return {
      rows,
      ...choose(rows, model, settings, known),
      costFront: front(rows, (row) => row.total, known),
      latencyFront: front(rows.filter((row) => row.option.latency_ms !== null), (row) => row.option.latency_ms),
      breakEvens: breakEvens(rows, model.margins, settings.months),
    };
  }

  const onceUsd = (row) => ({int: row.once, exp: -COMPONENT});
  const keptUsd = (row) => ({int: row.kept, exp: -COMPONENT});
  const fixedUsd = (row) => ({int: row.fixed, exp: -COMPONENT});
  const recurringUsd = (row) => ({int: row.recurring, exp: -COMPONENT});
  const totalUsd = (row, examples = null) => ({int: examples === null ? row.total : row.totalAt(examples), exp: -TOTAL});

  // -- in sentences (crossfare.report.advice) --------------------------------------------------------

  const percent = (share) => `${rounded(exactly(share * 100), 0, false)}%`;

  /** A hundredth of a score is a point. */
  function points(fraction) {
    const text = rounded(exactly(100 * fraction), 1, false).replace(/\.0$/, "");
    return `${text} ${text === "1" ? "point" : "points"}`;
  }

  function advice(model, settings, found) {
    if (!found.leading) return `No method ${demanded(model, found)}.`;
    const {row, best, regret, regretUsd} = found.verdicts.find((each) => each.row === (found.chosen ?? found.leading));
    const lost = regretUsd === null ? "" : ` and ${amount(exactly(regretUsd))} USD`;
    const told = `${describe(model, row)}; best with probability ${percent(best)}, expected regret ${points(regret)}${lost}.`;
    if (found.chosen) return `Recommended: ${told}`;
    return `Not enough evidence: no method is shown to be within ${points(settings.margin / 100)} of the best one. Ahead is ${told}`;
  }

  function describe(model, row) {
    const {option} = row;
    const added = option.latency_ms === null ? "added latency not measured"
      : option.latency_ms ? `${latency(option)} ms added to a request` : "no added latency";
    const kept = option.kept.length ? `, ${money(keptUsd(row))} a month to keep translations` : "";
    return `${option.label}: ${model.metric_label} ${score(option.quality)} (${interval(option)}), ${money(totalUsd(row))} in all `
      + `(${money(onceUsd(row))} once${kept}, ${money(recurringUsd(row))} per 1,000 examples), ${added}`;
  }

  /** What the methods that are left out fail to do, as the predicate of a sentence. */
  function demanded(model, {verdicts}) {
    const rules = new Set(verdicts.flatMap((each) => each.broken)), trivial = rules.delete("baseline");
    const parts = rules.size ? ["keeps the constraints"] : [];
    if (trivial) parts.push(`is shown to be above the trivial baseline (${model.trivial_label})`);
    return parts.join(" and ");
  }

  /** What became of a method, in a few words. */
  function verdict({status, broken}) {
    const rules = {"min-quality": "scores too little", "max-latency": "adds too much latency", "latency-not-measured": "latency not measured", "max-usd": "costs too much", "baseline": "not shown to beat the trivial baseline"};
    const words = {"recommended": "recommended", "within": "within the margin too", "open": "not shown to be within the margin"};
    return words[status] ?? broken.map((rule) => rules[rule]).join(", ");
  }

  return {parse, plain, exactly, amount, count, score, interval, latency, percent, points, decide, advice, verdict, onceUsd, keptUsd, fixedUsd, recurringUsd, totalUsd};
})();
