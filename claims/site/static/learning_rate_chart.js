"use strict";
/* Drawing for the learning-rate figure: axes, curves, the map that is dragged, and steps linked between pictures. */
const rateChart = (() => {
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

  const scale =
    ([from, to], [start, end]) =>
    (value) =>
      start + ((value - from) / (to - from)) * (end - start);
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

  const ticks = (values, words = String) => values.map((value) => [value, words(value)]);

  /* A picture as wide as its place, with axes; what is drawn into `plot` is cut off at its border. */
  function chart(host, { height, log = false, x, y, xTicks = [], yTicks = [], xLabel = "", yLabel = "", left = 38 }) {
    const width = Math.max(host.clientWidth, 200);
    const box = {
      left,
      right: width - 10,
      top: yLabel ? 20 : 8,
      bottom: height - (xLabel ? 36 : xTicks.length ? 20 : 8),
    };
    const [X, Y] = [scale(x, [box.left, box.right]), (log ? logScale : scale)(y, [box.bottom, box.top])];
    const clip = `${host.dataset.name}-clip`;
    const size = { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top };
    const plot = drawn("g", { "clip-path": `url(#${clip})` });
    const label = (words, at) => drawn("text", at, words);
    const axes = [
      drawn("clipPath", { id: clip }, drawn("rect", size)),
      ...yTicks.map(([value]) =>
        drawn("line", { class: "grid", x1: box.left, x2: box.right, y1: Y(value), y2: Y(value) }),
      ),
      ...yTicks.map(([value, words]) => label(words, { x: box.left - 6, y: Y(value) + 4, "text-anchor": "end" })),
      ...xTicks.map(([value, words]) => label(words, { x: X(value), y: box.bottom + 15, "text-anchor": "middle" })),
      drawn("path", { class: "axis", d: `M${box.left},${box.top}V${box.bottom}H${box.right}` }),
    ];
    if (xLabel) axes.push(label(xLabel, { x: box.right, y: height - 5, "text-anchor": "end" }));
    if (yLabel) axes.push(label(yLabel, { x: 2, y: 12 }));
    const picture = drawn(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" },
      ...axes,
      plot,
    );
    host.replaceChildren(picture);
    return { X, Y, box, plot, picture };
  }

  const place = (name) => element("div", { class: `rate-${name}`, "data-name": name });

  const slug = (name) => name.replace(" ", "-");

  /* The map of all rates, to be dragged, with the slider below it: what is left at the end, and where regimes end. */
  function drawMap(host, input, settings, { bands, curve, points, now, name, set, done }) {
    const { X, Y, box, plot } = chart(host, { height: 170, ...settings });
    const width = box.right - box.left;
    for (const [words, from, to] of bands) {
      const band = { x: X(from), width: X(to) - X(from), y: box.top, height: box.bottom - box.top };
      plot.append(drawn("rect", { ...band, class: `band ${slug(words)}` }));
      const middle = { x: band.x + band.width / 2, y: box.top + 14, "text-anchor": "middle" };
      if (band.width > 7 * words.length)
        plot.append(drawn("text", { ...middle, class: `name ${slug(words)}` }, words));
    }
    const placed = (pairs) => pairs.map(([x, y]) => [X(x), Y(y)]);
    plot.append(drawn("path", { class: "curve", d: path(placed(curve)) }), ...dots(placed(points), "other", 2));
    const [x, y] = [X(now[0]), Math.min(Math.max(Y(now[1]), box.top + 6), box.bottom - 6)];
    plot.append(drawn("line", { class: "cursor", x1: x, x2: x, y1: box.top, y2: box.bottom }));
    plot.append(drawn("circle", { class: `now ${slug(name)}`, cx: x, cy: y, r: 6 }));
    // The middle of the slider's thumb, 22 pixels wide, stands below the cursor.
    input.style.marginLeft = `${box.left - 11}px`;
    input.style.width = `${width + 22}px`;

    const follow = (event) => {
      const share = (event.clientX - host.getBoundingClientRect().left - box.left) / width;
      set(settings.x[0] + share * (settings.x[1] - settings.x[0]));
    };
    host.onpointerdown = (event) => {
      host.setPointerCapture(event.pointerId);
      input.focus({ preventScroll: true });
      follow(event);
    };
    host.onpointermove = (event) => host.hasPointerCapture(event.pointerId) && follow(event);
    host.onpointerup = done;
  }

  /* The same step in all pictures: whoever points at one sees where it is in the others. */
  function link(pictures) {
    const marks = pictures.map(({ plot }) =>
      plot.appendChild(drawn("circle", { class: "mark", r: 6, visibility: "hidden" })),
    );
    const label = pictures.at(-1).plot.appendChild(drawn("text", { class: "step" }));
    const far = ([x, y], at) => Math.hypot(x - at[0], y - at[1]);
    const hide = () => {
      for (const mark of marks) mark.setAttribute("visibility", "hidden");
      label.textContent = "";
    };
    for (const { host, points } of pictures) {
      host.onpointerleave = hide;
      host.onpointermove = (event) => {
        const box = host.getBoundingClientRect();
        const at = [event.clientX - box.left, event.clientY - box.top];
        const step = points.reduce((best, point, t) => (far(point, at) < far(points[best], at) ? t : best), 0);
        if (far(points[step], at) > 60) return hide();
        pictures.forEach((picture, i) => {
          const [cx, cy] = picture.points[step];
          build(marks[i], { cx, cy, visibility: "visible" }, []);
        });
        const [x, y] = pictures.at(-1).points[step];
        build(label, { x: x + 10, y: y - 8, "text-anchor": step > 20 ? "end" : "start" }, []);
        label.textContent = `step ${step}`;
      };
    }
  }

  return { asPower, chart, dots, drawMap, drawn, element, link, path, place, slug, ticks };
})();
