"use strict";
/* The learning-rate figure on the page. Its numbers come from learning_rate_model.js and the recorded runs. */
(() => {
  const model = learningRate;
  const runs = JSON.parse(document.getElementById("rate-runs").textContent);
  const FLATTER = [1, 3, 10, 30];
  const RANGE = [0.02, 2.4]; // of η in units of 1/h
  const state = readHash();

  // The address keeps what is shown

  function readHash() {
    const said = new URLSearchParams(location.hash.slice(1));
    const number = (name, otherwise, valid) => (valid(Number(said.get(name))) ? Number(said.get(name)) : otherwise);
    return {
      eta: number("eta", 0.5, (eta) => eta >= RANGE[0] && eta <= RANGE[1]),
      flatter: number("flatter", 10, (times) => FLATTER.includes(times)),
      digits: number("digits", 0.3, (lr) => runs.rates.includes(lr)),
    };
  }

  function keepHash() {
    try {
      history.replaceState(null, "", `#${new URLSearchParams(state)}`);
    } catch {
      /* some browsers refuse after many changes in a short time; the figure works without */
    }
  }

  // Drawing

  const element = (tag, attributes = {}, ...children) => build(document.createElement(tag), attributes, children);
  const drawn = (tag, attributes = {}, ...children) =>
    build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  function build(made, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  const scale = ([from, to], [start, end]) => (value) => start + ((value - from) / (to - from)) * (end - start);
  const logScale = (domain, range) => {
    const inner = scale(domain.map(Math.log10), range);
    return (value) => inner(Math.log10(Math.min(Math.max(value, 1e-30), 1e30)));
  };
  const path = (points) => `M${points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}`;
  const dots = (points, name, r = 2.6) =>
    points
      .filter((point) => point.every((at) => Math.abs(at) < 1e4))
      .map(([cx, cy]) => drawn("circle", { cx, cy, r, class: name }));

  const POWERS = { 2: "²", "-2": "⁻²", "-4": "⁻⁴", "-6": "⁻⁶" };
  const asPower = (value) => (value === 1 ? "1" : `10${POWERS[Math.round(Math.log10(value))]}`);

  /* A picture as wide as its place, with axes; what is drawn into `plot` is cut off at its border. */
  function chart(host, { height, xs, ys, x, y, xTicks = [], yTicks = [], xLabel = "", yLabel = "", left = 38 }) {
    const width = Math.max(host.clientWidth, 200);
    const box = { left, right: width - 10, top: yLabel ? 20 : 8, bottom: height - (xLabel ? 36 : xTicks.length ? 20 : 8) };
    const [X, Y] = [xs(x, [box.left, box.right]), ys(y, [box.bottom, box.top])];
    const clip = `${host.dataset.name}-clip`;
    const size = { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top };
    const plot = drawn("g", { "clip-path": `url(#${clip})` });
    const label = (words, at) => drawn("text", at, words);
    const axes = [
      drawn("clipPath", { id: clip }, drawn("rect", size)),
      ...yTicks.map(([value]) => drawn("line", { class: "grid", x1: box.left, x2: box.right, y1: Y(value), y2: Y(value) })),
      ...yTicks.map(([value, words]) => label(words, { x: box.left - 6, y: Y(value) + 4, "text-anchor": "end" })),
      ...xTicks.map(([value, words]) => label(words, { x: X(value), y: box.bottom + 15, "text-anchor": "middle" })),
      drawn("path", { class: "axis", d: `M${box.left},${box.top}V${box.bottom}H${box.right}` }),
    ];
    if (xLabel) axes.push(label(xLabel, { x: box.right, y: height - 5, "text-anchor": "end" }));
    if (yLabel) axes.push(label(yLabel, { x: 2, y: 12 }));
    const picture = drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" }, ...axes, plot);
    host.replaceChildren(picture);
    return { X, Y, box, plot, picture };
  }

  const place = (name) => element("div", { class: `rate-${name}`, "data-name": name });

  /* The map of all rates, with the slider below it: what is left at the end, and the borders of the regimes. */
  function drawMap(host, input, settings, { bands, curves, points, now, invert, set }) {
    const { X, Y, box, plot, picture } = chart(host, { height: 170, ...settings });
    for (const [name, from, to] of bands) {
      const band = { x: X(from), width: X(to) - X(from) };
      plot.append(drawn("rect", { ...band, y: box.top, height: box.bottom - box.top, class: `band ${slug(name)}` }));
      if (band.width > 5.8 * name.length)
        plot.append(drawn("text", { x: band.x + band.width / 2, y: box.top + 14, "text-anchor": "middle", class: `name ${slug(name)}` }, name));
    }
    for (const curve of curves) plot.append(drawn("path", { class: "curve", d: path(curve.map(([x, y]) => [X(x), Y(y)])) }));
    plot.append(...dots(points.map(([x, y]) => [X(x), Y(y)]), "other", 2));
    const [x, y] = [X(now[0]), Math.min(Math.max(Y(now[1]), box.top + 6), box.bottom - 6)];
    plot.append(drawn("line", { class: "cursor", x1: x, x2: x, y1: box.top, y2: box.bottom }));
    plot.append(drawn("circle", { class: `now ${slug(now[2])}`, cx: x, cy: y, r: 6 }));
    // The middle of the slider's thumb, 22 pixels wide, stands below the cursor.
    input.style.marginLeft = `${box.left - 11}px`;
    input.style.width = `${box.right - box.left + 22}px`;
    picture.addEventListener("pointerdown", (event) => {
      host.setPointerCapture(event.pointerId);
      set(invert((event.clientX - host.getBoundingClientRect().left - box.left) / (box.right - box.left)));
    });
    host.onpointermove = (event) => {
      if (!host.hasPointerCapture(event.pointerId)) return;
      set(invert((event.clientX - host.getBoundingClientRect().left - box.left) / (box.right - box.left)));
    };
  }

  const slug = (name) => name.replace(" ", "-");
  const capital = (words) => words[0].toUpperCase() + words.slice(1);
  const percent = (share) => (share < 1e-4 ? "less than 0.01 %" : `${Number((100 * share).toPrecision(2))} %`);
  const short = (value) => String(Number(value.toPrecision(3)));

  function say(words, name, value, sentence) {
    words.replaceChildren(
      element("span", { class: `rate-name ${slug(name)}` }, capital(name)),
      element("span", { class: "rate-value" }, value),
      element("span", { class: "rate-sentence" }, sentence),
    );
  }

  const slider = (label, attributes, set) =>
    element("input", { type: "range", "aria-label": label, ...attributes, oninput: (event) => set(Number(event.target.value)), onchange: keepHash });

  // On a quadratic

  function mountQuadratic(root) {
    const set = (eta) => {
      state.eta = Math.min(Math.max(Math.round(eta * 100) / 100, RANGE[0]), RANGE[1]);
      draw();
    };
    const input = slider("Learning rate η in units of 1/h", { min: RANGE[0], max: RANGE[1], step: 0.01 }, set);
    const words = element("p", { class: "rate-words" });
    const [map, bowl, valley, loss] = ["map", "bowl", "valley", "loss"].map(place);
    const choices = FLATTER.map((times) => {
      const radio = element("input", { type: "radio", name: "flatter", value: times });
      radio.checked = times === state.flatter;
      radio.addEventListener("change", () => {
        state.flatter = times;
        draw();
        keepHash();
      });
      return element("label", {}, radio, element("span", {}, times === 1 ? "as steep" : `${times} times flatter`));
    });
    const fieldset = element("fieldset", {}, element("legend", {}, "The other direction is"), ...choices);
    root.append(words, map, input, element("div", { class: "rate-panels" }, element("div", {}, bowl, valley), loss), fieldset);

    function draw() {
      const [w, curvatures, lr] = [[1, 1], [1, 1 / state.flatter], state.eta];
      const name = model.regime(w, curvatures, lr);
      const left = model.shareLeft(w, curvatures, lr);
      const start = model.quadraticLosses(w, curvatures, lr, 0)[0];
      const steps = Array.from({ length: model.STEPS + 1 }, (_, t) => model.weightsAfter(t, w, curvatures, lr));
      const sentence = describe(name, curvatures, lr, left);
      input.value = lr;
      input.setAttribute("aria-valuetext", `${lr.toFixed(2)} over h, ${name}. ${sentence}`);
      say(words, name, `η = ${lr.toFixed(2)}/h`, sentence);

      const enough = model.enough(w, curvatures);
      const rates = Array.from({ length: 240 }, (_, i) => RANGE[0] + (i / 239) * (RANGE[1] - RANGE[0]));
      drawMap(
        map,
        input,
        {
          xs: scale, ys: logScale, x: RANGE, y: [1e-8, 1e3],
          xTicks: [[0.5, "0.5"], [1, "1/h"], [1.5, "1.5"], [2, "2/h"]],
          yTicks: [100, 1, 1e-2, 1e-4, 1e-6].map((value) => [value, asPower(value)]),
          yLabel: `loss left after ${model.STEPS} steps, at every rate η`,
        },
        {
          bands: model.REGIMES.map((each, i) => [each, [RANGE[0], enough, 1, 2][i], [enough, 1, 2, RANGE[1]][i]]),
          curves: [rates.map((each) => [each, model.shareLeft(w, curvatures, each)])],
          points: [],
          now: [lr, left, name],
          invert: (share) => RANGE[0] + share * (RANGE[1] - RANGE[0]),
          set: (eta) => (set(eta), keepHash()),
        },
      );
      drawBowl(bowl, steps, name);
      drawValley(valley, steps, name);
      drawLoss(loss, w, curvatures, lr, start, name);
    }
    return draw;
  }

  function describe(name, curvatures, lr, left) {
    const factor = 1 - lr * Math.max(...curvatures);
    const rest = `After ${model.STEPS} steps ${left > 1 ? `the loss is ${short(left)} times what it was` : `${percent(left)} of the loss is left`}.`;
    if (factor === 0) return `The first step takes w₁ exactly to its minimum. ${rest}`;
    if (factor === -1) return `w₁ jumps to and fro between the same two places for ever. ${rest}`;
    if (name === "diverging") return `Each jump of w₁ across the minimum lands ${short(-factor)} times as far out. ${rest}`;
    if (name === "oscillating") return `Each step takes w₁ across its minimum, to ${percent(-factor)} of the distance. ${rest}`;
    return `Each step leaves ${percent(factor)} of w₁${curvatures[0] > curvatures[1] ? ` and ${percent(1 - lr * curvatures[1])} of w₂` : ""}. ${rest}`;
  }

  const WEIGHTS = [-1.45, 1.45];

  function drawBowl(host, steps, name) {
    const { X, Y, plot } = chart(host, { height: 120, xs: scale, ys: scale, x: WEIGHTS, y: [0, 1.05], yLabel: "loss of w₁ alone", left: 22 });
    const along = Array.from({ length: 61 }, (_, i) => WEIGHTS[0] + (i / 60) * (WEIGHTS[1] - WEIGHTS[0]));
    const points = steps.map(([w]) => [X(w), Y(w ** 2 / 2)]);
    plot.append(drawn("path", { class: "ground", d: path(along.map((w) => [X(w), Y(w ** 2 / 2)])) }));
    plot.append(drawn("path", { class: `walk ${slug(name)}`, d: path(points) }), ...dots(points, slug(name)));
  }

  function drawValley(host, steps, name) {
    const height = Math.max(host.clientWidth, 200) - 12;
    const { X, Y, plot } = chart(host, { height, xs: scale, ys: scale, x: WEIGHTS, y: WEIGHTS, xLabel: "w₁, steep", yLabel: "w₂", left: 22 });
    const unit = X(1) - X(0);
    const across = (Y(0) - Y(1)) * Math.sqrt(state.flatter);
    for (const level of [0.15, 0.4, 0.7, 1, 1.3, 1.6, 1.9])
      plot.append(drawn("ellipse", { class: "ground", cx: X(0), cy: Y(0), rx: level * unit, ry: level * across }));
    const points = steps.map(([w1, w2]) => [X(w1), Y(w2)]);
    plot.append(drawn("path", { class: "minimum", d: `M${X(0) - 5},${Y(0)}h10M${X(0)},${Y(0) - 5}v10` }));
    plot.append(drawn("path", { class: `walk ${slug(name)}`, d: path(points) }), ...dots(points, slug(name)));
    plot.append(drawn("circle", { class: "start", cx: points[0][0], cy: points[0][1], r: 5 }));
    plot.append(drawn("text", { x: points[0][0] + 9, y: points[0][1] - 7 }, "start"));
  }

  function drawLoss(host, w, curvatures, lr, start, name) {
    const beside = host.previousSibling; // or above, where the page is narrow
    const { X, Y, plot, picture } = chart(host, {
      height: beside.offsetTop === host.offsetTop ? beside.clientHeight : 260,
      xs: scale, ys: logScale, x: [0, model.STEPS], y: [1e-8, 1e3],
      xTicks: [0, 10, 20, 30].map((t) => [t, String(t)]),
      yTicks: [100, 1, 1e-2, 1e-4, 1e-6].map((value) => [value, asPower(value)]),
      xLabel: "steps", yLabel: "loss left",
    });
    const curve = (of) => of.map((loss, t) => [X(t), Y(loss / start)]);
    w.forEach((each, i) => {
      const own = model.quadraticLosses([each], [curvatures[i]], lr, model.STEPS);
      plot.append(drawn("path", { class: `part part-${i + 1}`, d: path(curve(own)) }));
    });
    const both = curve(model.quadraticLosses(w, curvatures, lr, model.STEPS));
    plot.append(drawn("path", { class: `walk ${slug(name)}`, d: path(both) }), ...dots(both, slug(name)));
    const legend = ["both", "of w₁", "of w₂"].map((words, i) =>
      drawn("g", { transform: `translate(${[62, 126, 190][i]} 12)` },
        drawn("path", { class: i ? `part part-${i}` : `walk ${slug(name)}`, d: "M0,-4H20" }),
        drawn("text", { x: 25 }, words)),
    );
    picture.append(...legend);
  }

  // On digits

  function mountDigits(root) {
    const { rates, epochs, losses } = runs;
    const regimes = losses[0].map(model.regimeOfRun);
    const set = (index) => {
      state.digits = rates[Math.min(Math.max(Math.round(index), 0), rates.length - 1)];
      draw();
    };
    const input = slider("Learning rate η of the recorded runs", { min: 0, max: rates.length - 1, step: 1 }, set);
    const words = element("p", { class: "rate-words" });
    const [map, loss] = ["digits-map", "digits-loss"].map(place);
    root.append(words, map, input, loss);

    function draw() {
      const index = rates.indexOf(state.digits);
      const [run, name] = [losses[0][index], regimes[index]];
      const readings = run.length - 1;
      const worst = name === "diverging" ? ` (${short(Math.max(...run))} at worst)` : "";
      const sentence = `From ${short(run[0])} the loss ${worst ? "rises" : "falls"} to ${short(run.at(-1))}${worst} in ${epochs} epochs. It rises at ${model.rises(run) || "none"} of ${readings} readings.`;
      input.value = index;
      input.setAttribute("aria-valuetext", `${state.digits}, ${name}. ${sentence}`);
      say(words, name, `η = ${state.digits}`, sentence);
      const border = (each) => [regimes.indexOf(each) - 0.5, regimes.lastIndexOf(each) + 0.5].map((i) => Math.min(Math.max(i, 0), rates.length - 1));
      drawMap(
        map,
        input,
        {
          xs: scale, ys: logScale, x: [0, rates.length - 1], y: [4e-4, 60],
          xTicks: [0.01, 0.1, 1, 10].map((lr) => [rates.indexOf(lr), String(lr)]),
          yTicks: [10, 1, 0.1, 0.01, 0.001].map((value) => [value, String(value)]),
          yLabel: `loss after ${epochs} epochs, at every rate η; three runs each`,
        },
        {
          bands: model.REGIMES.map((each) => [each, ...border(each)]),
          curves: [losses[0].map((each, i) => [i, each.at(-1)])],
          points: losses.flatMap((of) => of.map((each, i) => [i, each.at(-1)])),
          now: [index, run.at(-1), name],
          invert: (share) => share * (rates.length - 1),
          set: (at) => (set(at), keepHash()),
        },
      );
      const { X, Y, plot } = chart(loss, {
        height: 260, xs: scale, ys: logScale, x: [0, epochs], y: [4e-4, 60],
        xTicks: [0, 2, 4, 6, 8, 10].map((epoch) => [epoch, String(epoch)]),
        yTicks: [10, 1, 0.1, 0.01, 0.001].map((value) => [value, String(value)]),
        xLabel: "epochs of 56 mini-batches", yLabel: "training loss",
      });
      const curves = losses.map((of) => of[index].map((each, i) => [X((i * epochs) / readings), Y(each)]));
      for (const curve of curves.slice(1)) plot.append(drawn("path", { class: "other", d: path(curve) }));
      plot.append(drawn("path", { class: `walk ${slug(name)}`, d: path(curves[0]) }), ...dots(curves[0], slug(name)));
    }
    return draw;
  }

  const [quadratic, digits] = ["rate-quadratic", "rate-digits"].map((id) => document.getElementById(id));
  const draws = [mountQuadratic(quadratic), mountDigits(digits)];
  for (const [i, root] of [quadratic, digits].entries()) new ResizeObserver(() => draws[i]()).observe(root);
  window.addEventListener("hashchange", () => {
    Object.assign(state, readHash());
    for (const radio of quadratic.querySelectorAll("input[type=radio]")) radio.checked = Number(radio.value) === state.flatter;
    for (const draw of draws) draw();
  });
})();
