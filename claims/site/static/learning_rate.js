"use strict";
/* The learning-rate figure on the page. Its numbers come from learning_rate_model.js and the recorded runs, its axes from
   learning_rate_chart.js. */
(() => {
  const model = learningRate;
  const { asPower, chart, dots, drawMap, drawn, element, link, path, place, slug, ticks } = rateChart;
  const runs = JSON.parse(document.getElementById("rate-runs").textContent);
  const FLATTER = [1, 3, 10, 30];
  const RANGE = [0.02, 2.4]; // of η in units of 1/h
  const LEFT_TICKS = [100, 1, 1e-2, 1e-4, 1e-6];
  const LOSS_TICKS = [10, 1, 0.1, 0.01, 0.001];
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

  // What both figures share

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
    element("input", {
      type: "range",
      "aria-label": label,
      ...attributes,
      oninput: (event) => set(Number(event.target.value)),
      onchange: keepHash,
    });

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
    root.append(
      words,
      map,
      input,
      element("div", { class: "rate-panels" }, element("div", {}, bowl, valley), loss),
      fieldset,
    );

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
          log: true,
          x: RANGE,
          y: [1e-8, 1e3],
          xTicks: ticks([0.5, 1, 1.5, 2], (rate) => (rate % 1 ? String(rate) : `${rate}/h`)),
          yTicks: ticks(LEFT_TICKS, asPower),
          yLabel: `loss left after ${model.STEPS} steps, at every rate η`,
        },
        {
          bands: model.REGIMES.map((each, i) => [each, [RANGE[0], enough, 1, 2][i], [enough, 1, 2, RANGE[1]][i]]),
          curve: rates.map((each) => [each, model.shareLeft(w, curvatures, each)]),
          points: [],
          now: [lr, left],
          name,
          set,
          done: keepHash,
        },
      );
      link([
        drawBowl(bowl, steps, name),
        drawValley(valley, steps, name),
        drawLoss(loss, w, curvatures, lr, start, name),
      ]);
    }
    return draw;
  }

  function describe(name, curvatures, lr, left) {
    const factor = 1 - lr * Math.max(...curvatures);
    const now = left > 1 ? `the loss is ${short(left)} times what it was` : `${percent(left)} of the loss is left`;
    const rest = `After ${model.STEPS} steps ${now}.`;
    if (factor === 0) return `The first step takes w₁ exactly to its minimum. ${rest}`;
    if (factor === -1) return `w₁ jumps to and fro between the same two places for ever. ${rest}`;
    if (name === "diverging")
      return `Each jump of w₁ across the minimum lands ${short(-factor)} times as far out. ${rest}`;
    if (name === "oscillating")
      return `Each step takes w₁ across its minimum, to ${percent(-factor)} of the distance. ${rest}`;
    const flat = curvatures[0] > curvatures[1] ? ` and ${percent(1 - lr * curvatures[1])} of w₂` : "";
    return `Each step leaves ${percent(factor)} of w₁${flat}. ${rest}`;
  }

  const WEIGHTS = [-1.45, 1.45];

  function drawBowl(host, steps, name) {
    const { X, Y, plot } = chart(host, {
      height: 120,
      x: WEIGHTS,
      y: [0, 1.05],
      yLabel: "loss of w₁ alone",
      left: 22,
    });
    const along = Array.from({ length: 61 }, (_, i) => WEIGHTS[0] + (i / 60) * (WEIGHTS[1] - WEIGHTS[0]));
    const points = steps.map(([w]) => [X(w), Y(w ** 2 / 2)]);
    plot.append(drawn("path", { class: "ground", d: path(along.map((w) => [X(w), Y(w ** 2 / 2)])) }));
    plot.append(drawn("path", { class: `walk ${slug(name)}`, d: path(points) }), ...dots(points, slug(name)));
    return { host, plot, points };
  }

  function drawValley(host, steps, name) {
    const { X, Y, plot } = chart(host, {
      height: Math.max(host.clientWidth, 200) + 24, // the plot is a square: a step is at a right angle to the contour
      x: WEIGHTS,
      y: WEIGHTS,
      xLabel: "w₁, steep",
      yLabel: "w₂",
      left: 22,
    });
    for (const level of [0.15, 0.4, 0.7, 1, 1.3, 1.6, 1.9]) {
      const rx = level * (X(1) - X(0));
      plot.append(drawn("ellipse", { class: "ground", cx: X(0), cy: Y(0), rx, ry: rx * Math.sqrt(state.flatter) }));
    }
    const points = steps.map(([w1, w2]) => [X(w1), Y(w2)]);
    plot.append(drawn("path", { class: "minimum", d: `M${X(0) - 5},${Y(0)}h10M${X(0)},${Y(0) - 5}v10` }));
    plot.append(drawn("path", { class: `walk ${slug(name)}`, d: path(points) }), ...dots(points, slug(name)));
    plot.append(drawn("circle", { class: "start", cx: points[0][0], cy: points[0][1], r: 5 }));
    plot.append(drawn("text", { x: points[0][0] + 9, y: points[0][1] - 7 }, "start"));
    return { host, plot, points };
  }

  function drawLoss(host, w, curvatures, lr, start, name) {
    const beside = host.previousSibling; // or above, where the page is narrow
    const { X, Y, plot, picture } = chart(host, {
      height: beside.offsetTop === host.offsetTop ? beside.clientHeight : 260,
      log: true,
      x: [0, model.STEPS],
      y: [1e-8, 1e3],
      xTicks: ticks([0, 10, 20, 30]),
      yTicks: ticks(LEFT_TICKS, asPower),
      xLabel: "steps",
      yLabel: "loss left",
    });
    const curve = (of) => of.map((loss, t) => [X(t), Y(loss / start)]);
    w.forEach((each, i) => {
      const own = model.quadraticLosses([each], [curvatures[i]], lr, model.STEPS);
      plot.append(drawn("path", { class: `part part-${i + 1}`, d: path(curve(own)) }));
    });
    const both = curve(model.quadraticLosses(w, curvatures, lr, model.STEPS));
    plot.append(drawn("path", { class: `walk ${slug(name)}`, d: path(both) }), ...dots(both, slug(name)));
    const legend = ["both", "of w₁", "of w₂"].map((words, i) =>
      drawn(
        "g",
        { transform: `translate(${[62, 126, 190][i]} 12)` },
        drawn("path", { class: i ? `part part-${i}` : `walk ${slug(name)}`, d: "M0,-4H20" }),
        drawn("text", { x: 25 }, words),
      ),
    );
    picture.append(...legend);
    return { host, plot, points: both };
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
      const change = `${worst ? "rises" : "falls"} to ${short(run.at(-1))}${worst} in ${epochs} epochs`;
      const rises = `It rises at ${model.rises(run) || "none"} of ${readings} readings.`;
      const sentence = `From ${short(run[0])} the loss ${change}. ${rises}`;
      input.value = index;
      input.setAttribute("aria-valuetext", `${state.digits}, ${name}. ${sentence}`);
      say(words, name, `η = ${state.digits}`, sentence);
      const border = (each) =>
        [regimes.indexOf(each) - 0.5, regimes.lastIndexOf(each) + 0.5].map((i) =>
          Math.min(Math.max(i, 0), rates.length - 1),
        );
      drawMap(
        map,
        input,
        {
          log: true,
          x: [0, rates.length - 1],
          y: [4e-4, 60],
          xTicks: [0.01, 0.1, 1, 10].map((lr) => [rates.indexOf(lr), String(lr)]),
          yTicks: ticks(LOSS_TICKS),
          yLabel: `loss after ${epochs} epochs, at every rate η; three runs each`,
        },
        {
          bands: model.REGIMES.map((each) => [each, ...border(each)]),
          curve: losses[0].map((each, i) => [i, each.at(-1)]),
          points: losses.flatMap((of) => of.map((each, i) => [i, each.at(-1)])),
          now: [index, run.at(-1)],
          name,
          set,
          done: keepHash,
        },
      );
      const { X, Y, plot } = chart(loss, {
        height: 260,
        log: true,
        x: [0, epochs],
        y: [4e-4, 60],
        xTicks: ticks([0, 2, 4, 6, 8, 10]),
        yTicks: ticks(LOSS_TICKS),
        xLabel: "epochs of 56 mini-batches",
        yLabel: "training loss",
      });
      const curves = losses.map((of) => of[index].map((each, i) => [X((i * epochs) / readings), Y(each)]));
      for (const curve of curves.slice(1)) plot.append(drawn("path", { class: "other", d: path(curve) }));
      plot.append(drawn("path", { class: `walk ${slug(name)}`, d: path(curves[0]) }), ...dots(curves[0], slug(name)));
    }
    return draw;
  }

  const [quadratic, digits] = ["rate-quadratic", "rate-digits"].map((id) => document.getElementById(id));
  const draws = [mountQuadratic(quadratic), mountDigits(digits)];
  for (const [i, root] of [quadratic, digits].entries()) {
    let drawnAt = 0;
    new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width === drawnAt) return; // only the width matters: drawing may change the height
      drawnAt = contentRect.width;
      draws[i]();
    }).observe(root);
  }
  window.addEventListener("hashchange", () => {
    Object.assign(state, readHash());
    for (const radio of quadratic.querySelectorAll("input[type=radio]"))
      radio.checked = Number(radio.value) === state.flatter;
    for (const draw of draws) draw();
  });
})();
