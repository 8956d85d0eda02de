// The 2-D lab. The kernel trains and sends points, grids and curves as bytes; this file draws them.
import { button, bytes, chart, colour, element, floats, view, whenShapeChanges } from "./common.js";

const SYMBOLS = { step: "▸|", "step-d": "▸|", "step-g": "▸|", reset: "↺" };
const MARKS = { real: "real", generated: "generated", "warped grid": "generated", "gradient arrows": "generator" };
const ALIVE = 5000; // milliseconds between two signals that somebody is there, while the lab trains
const ANSWER = 80; // milliseconds from a frame to its acknowledgement, which stands for all frames until then
const MARGIN = { left: 36, right: 6, top: 6, bottom: 32 }; // around the plane, in CSS pixels, for numbers and names

const STYLE = `
.gt-lab-main { display: grid; gap: 4px 20px; align-items: start; grid-template: "plane settings" auto "plane curves" 1fr / minmax(0, 480px) minmax(0, 1fr); }
.gt-lab-left { grid-area: plane; }
.gt-lab-right { grid-area: settings; }
.gt-lab-below { grid-area: curves; }
.gt-lab-plane { display: block; width: 100%; aspect-ratio: 1; user-select: none; }
.gt-lab-drawing { cursor: crosshair; touch-action: none; }
.gt-lab-scale { display: grid; grid-template-columns: auto minmax(60px, 1fr) auto; gap: 0 8px; margin: 2px 6px 6px 36px; align-items: center; }
.gt-lab-bar { height: 12px; border: 1px solid var(--gt-line); position: relative; }
.gt-lab-scale .gt-lab-words { grid-column: 2; text-align: center; }
.gt-lab-layers { margin-left: 36px; gap: 0 14px; }
.gt-lab-layers input { min-height: 0; margin: 4px 0; }
.gt-lab-layers .gt-mark { flex: none; }
.gt-lab-settings { display: grid; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr)); gap: 4px 24px; }
.gt-lab-settings fieldset { border: none; margin: 0; padding: 0; min-width: 0; }
.gt-lab-settings legend { font-weight: 600; padding: 0; margin-bottom: 2px; }
.gt-lab-setting { display: grid; grid-template-columns: 74px minmax(0, 1fr) 52px; gap: 8px; align-items: center; min-height: 30px; }
.gt-lab-setting select { grid-column: 2 / 4; width: 100%; min-width: 0; }
.gt-lab-setting input { width: 100%; min-width: 0; margin: 0; }
.gt-lab-setting output { font-variant-numeric: tabular-nums; text-align: right; }
.gt-lab-slow { grid-template-columns: auto 90px 30px; }
.gt-lab-draw { flex: 1 1 240px; min-width: 0; }
.gt-lab-draw input { flex: 1 1 auto; min-width: 0; width: 100%; }
.gt-lab-curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 0 12px; margin-top: 10px; }
.gt-lab-curves .gt-chart { position: relative; }
.gt-lab-curves figcaption { flex-direction: column; gap: 0; }
.gt-lab-curves .gt-key { font-size: 11px; gap: 0 8px; min-height: 1.4em; }
.gt-lab-note { position: absolute; inset: 40% 8px auto 44px; text-align: center; white-space: pre-line; color: var(--gt-quiet); }
.gt-lab-numbers { font-variant-numeric: tabular-nums; }
.gt-lab-status { min-height: 1.4em; }
@container (max-width: 960px) { .gt-lab-main { grid-template: "plane settings" auto "curves curves" auto / minmax(0, 6fr) minmax(0, 5fr); } }
@container (max-width: 620px) { .gt-lab-main { grid-template: "plane" "settings" "curves" / minmax(0, 1fr); } }
`;

let controlCount = 0; // a label finds its control by a number that is used once on the page

/** One setting: a list of words, or a slider over numbers. It sends its value when the hand lets go. */
function setting(send, first) {
  const id = `gt-lab-control-${++controlCount}`;
  const words = first.options && typeof first.options[0][1] === "string";
  const input = words ? element("select", { id }) : element("input", { id, type: "range", step: 1 });
  const output = element("output", { for: id });
  const label = element("label", { for: id }, first.label);
  const row = element("div", { class: `gt-lab-setting gt-lab-${first.name.replaceAll("_", "-")}` }, label, input);
  if (!words) row.append(output);
  let control = {};
  let held = false; // while the hand moves the slider, the kernel's old value must not pull it back
  const chosen = () => (control.options ? control.options[input.value] : [input.value, Number(input.value)]);
  const tell = () => {
    if (words) return;
    output.textContent = chosen()[0];
    input.setAttribute("aria-valuetext", chosen()[0]);
  };
  input.addEventListener("input", () => {
    held = !words;
    tell();
  });
  input.addEventListener("change", () => {
    held = false;
    send("set", { name: control.name, value: words ? input.value : chosen()[1] });
  });
  for (const end of ["pointerup", "blur"]) input.addEventListener(end, () => (held = false));
  const update = (next) => {
    const isNew = JSON.stringify(next.options) !== JSON.stringify(control.options);
    control = next;
    input.disabled = next.disabled;
    row.title = next.title;
    if (words) {
      if (isNew) input.replaceChildren(...next.options.map(([name]) => element("option", { value: name }, name)));
      input.value = next.value;
      return;
    }
    if (held) return;
    input.min = next.options ? 0 : next.low;
    input.max = next.options ? next.options.length - 1 : next.high;
    input.value = next.options ? next.options.findIndex(([, value]) => value === next.value) : next.value;
    tell();
  };
  update(first);
  return { row, update };
}

/** Red, green and blue of a colour of the theme. */
function rgb(near, name) {
  const pen = element("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  pen.fillStyle = colour(near, name);
  pen.fillRect(0, 0, 1, 1);
  return pen.getImageData(0, 0, 1, 1).data;
}

/** 256 colours, as words of a pixel, for values 0 to 255. */
function colourTable(colourOf) {
  const table = new Uint32Array(256);
  for (let level = 0; level < 256; level++) {
    const [red, green, blue, alpha] = colourOf(level / 255).map(Math.round);
    table[level] = ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  }
  return table;
}

const mix = (one, other, share) => [0, 1, 2].map((part) => one[part] + share * (other[part] - one[part]));

/** The colours of the plane in the present theme. */
function palette(near) {
  const [paper, real, generated] = ["paper", "real", "generated"].map((name) => rgb(near, name));
  // σ(D(x)) = ½ is the paper; towards 0 and 1 the colours of generated and of real data, light enough for points.
  const shade = (share) => [...mix(paper, share > 0.5 ? real : generated, 0.42 * Math.abs(2 * share - 1)), 255];
  return {
    shade: colourTable(shade),
    density: colourTable((share) => [...generated.slice(0, 3), 215 * Math.sqrt(share)]),
    bar: [0, 0.25, 0.5, 0.75, 1].map((share) => `rgb(${shade(share).slice(0, 3).map(Math.round).join()})`),
    ...Object.fromEntries(
      ["paper", "ink", "quiet", "line", "real", "generated", "generator"].map((name) => [name, colour(near, name)]),
    ),
  };
}

export default view((page) => {
  const { root, send } = page;
  let state = page.state;
  let plane = { centre: [0, 0], reach: 1.6, points: new Float32Array(0), modes: 0, notes: {}, real: {} };
  let frame = null; // the newest frame of the kernel
  let curveText = "";
  let speed = 0;
  let stroke = null; // the points under the mouse, while its button is down
  let colours = null;

  root.classList.add("gt-lab");

  // --- controls ---------------------------------------------------------------------------------------------
  const press = (name) => () => send("press", { name });
  const play = button("Play", "▶", "Train until pressed again", press("play"), { class: "gt-lab-play" });
  const buttons = state.buttons.map(([name, label, title]) =>
    button(label, SYMBOLS[name], title, press(name), { class: `gt-lab-${name}` }),
  );
  const settings = Object.fromEntries(
    [state.slow, ...state.game, ...state.networks].map((control) => [control.name, setting(send, control)]),
  );
  const status = element("div", { class: "gt-lab-status", role: "status" });
  const numbers = element("div", { class: "gt-lab-numbers gt-quiet" });
  const layers = state.layers.map((name) => {
    const box = element("input", { type: "checkbox", onchange: () => send("layer", { name, on: box.checked }) });
    const label = element("label", { class: `gt-lab-layer-${name.replaceAll(" ", "-")}` }, box);
    if (MARKS[name]) {
      const mark = element("span", { class: `gt-mark ${name in { real: 1, generated: 1 } ? "gt-points" : ""}` });
      mark.style.color = `var(--gt-${MARKS[name]})`;
      label.append(mark);
    }
    label.append(name);
    return { name, box, label };
  });
  const typed = element("input", {
    type: "text",
    placeholder: "x y; x y; x y",
    title: "Points to learn, typed as x y; x y; x y. Enter learns them",
    "aria-label": "points",
    onchange: () => typed.value !== state.typed && send("typed", { text: typed.value }),
    onkeydown: (event) => {
      if (event.key !== "Enter") return;
      state = { ...state, typed: typed.value }; // leaving the field must not send it again
      send("typed", { text: typed.value });
    },
  });
  const clear = button("Clear", "✕", "Take all drawn points away", press("clear"), { class: "gt-lab-clear" });

  // --- pictures ---------------------------------------------------------------------------------------------
  const canvas = element("canvas", { class: "gt-lab-plane", role: "img", "aria-label": "The plane" });
  const scaleWords = element("span", { class: "gt-lab-words gt-quiet" });
  const bar = element("div", { class: "gt-lab-bar", "aria-hidden": "true" });
  const scale = element("div", { class: "gt-lab-scale" }, "0 generated", bar, "1 real", scaleWords);
  const lossChart = chart(page, { title: "losses", x: "step", height: 160 });
  const modesChart = chart(page, { title: "modes covered", x: "step", height: 160 });
  const distanceChart = chart(page, { title: "distance, nats", x: "step", height: 160 });
  const modesNote = element("div", { class: "gt-lab-note" });
  const distanceNote = element("div", { class: "gt-lab-note" });
  modesChart.element.append(modesNote);
  distanceChart.element.append(distanceNote);

  const group = (title, controls) =>
    element("fieldset", {}, element("legend", {}, title), ...controls.map(({ name }) => settings[name].row));
  root.append(
    element("style", {}, STYLE),
    element("div", { class: "gt-row" }, play, ...buttons, settings.slow.row),
    status,
    element(
      "div",
      { class: "gt-lab-main" },
      element(
        "div",
        { class: "gt-lab-left" },
        canvas,
        scale,
        element("div", { class: "gt-row gt-lab-layers", role: "group", "aria-label": "layers" }, ...layers.map((layer) => layer.label)),
      ),
      element(
        "div",
        { class: "gt-lab-right" },
        element(
          "div",
          { class: "gt-lab-settings" },
          group("The game: the networks stay", state.game),
          group("The networks: built anew, at step 0", state.networks),
        ),
        element("div", { class: "gt-row" }, element("label", { class: "gt-lab-draw" }, "points", typed), clear),
      ),
      element(
        "div",
        { class: "gt-lab-below" },
        element("div", { class: "gt-lab-curves" }, lossChart.element, modesChart.element, distanceChart.element),
        numbers,
      ),
    ),
  );

  // --- the plane --------------------------------------------------------------------------------------------
  const small = element("canvas"); // grids are coloured here, cell by cell, and then enlarged
  function drawGrid(pen, values, table, [left, top, side]) {
    const size = Math.sqrt(values.length);
    [small.width, small.height] = [size, size];
    const cells = new ImageData(size, size);
    const words = new Uint32Array(cells.data.buffer);
    for (let row = 0; row < size; row++) {
      // The kernel's first row is the lowest.
      for (let column = 0; column < size; column++) words[(size - 1 - row) * size + column] = table[values[row * size + column]];
    }
    small.getContext("2d").putImageData(cells, 0, 0);
    pen.imageSmoothingEnabled = true;
    pen.drawImage(small, left, top, side, side);
  }

  /** Where the square of the plane lies on the canvas: left, top and side, in CSS pixels. */
  const square = () => [MARGIN.left, MARGIN.top, canvas.clientWidth - MARGIN.left - MARGIN.right];

  function drawPlane() {
    const width = canvas.clientWidth;
    if (!width) return;
    colours ??= palette(root);
    const ratio = devicePixelRatio || 1;
    const [left, top, side] = square();
    const height = side + MARGIN.top + MARGIN.bottom;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
      canvas.style.aspectRatio = `${width} / ${height}`;
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const [middleX, middleY] = plane.centre;
    const unit = side / (2 * plane.reach);
    const placeX = (x) => left + (x - middleX + plane.reach) * unit;
    const placeY = (y) => top + (middleY + plane.reach - y) * unit;

    pen.save();
    pen.beginPath();
    pen.rect(left, top, side, side);
    pen.clip();
    // All points in one path: a hundred times cheaper than a path for each.
    const dots = (points, radius, fill, edge = null) => {
      pen.beginPath();
      for (let index = 0; index < points.length; index += 2) {
        const [x, y] = [placeX(points[index]), placeY(points[index + 1])];
        pen.moveTo(x + radius, y);
        pen.arc(x, y, radius, 0, 2 * Math.PI);
      }
      if (edge) {
        pen.strokeStyle = edge;
        pen.lineWidth = 1.5;
        pen.stroke();
      }
      pen.fillStyle = fill;
      pen.fill();
    };
    if (frame && state.learnt) {
      const on = new Set(state.shown);
      if (on.has("discriminator") && frame.shade.length) drawGrid(pen, frame.shade, colours.shade, [left, top, side]);
      if (on.has("density") && frame.density.length) drawGrid(pen, frame.density, colours.density, [left, top, side]);
      if (on.has("warped grid")) {
        pen.beginPath();
        for (let line = 0; line + 2 * frame.pointsALine <= frame.lines.length; line += 2 * frame.pointsALine) {
          pen.moveTo(placeX(frame.lines[line]), placeY(frame.lines[line + 1]));
          for (let index = line + 2; index < line + 2 * frame.pointsALine; index += 2) {
            pen.lineTo(placeX(frame.lines[index]), placeY(frame.lines[index + 1]));
          }
        }
        pen.strokeStyle = colours.generated;
        pen.globalAlpha = 0.45;
        pen.lineWidth = 0.8;
        pen.stroke();
        pen.globalAlpha = 1;
      }
      if (on.has("real")) dots(plane.points, 1.9, colours.real, colours.paper);
      if (on.has("generated")) dots(frame.generated, 1.9, colours.generated, colours.paper);
      if (on.has("gradient arrows")) drawArrows(pen, unit, placeX, placeY);
    }
    if (state.drawing && (stroke || !state.learnt)) {
      dots(state.pen.flat(), 3, colours.real);
      if (stroke) dots(stroke.flat(), 3, colours.real);
    }
    pen.restore();
    drawAxes(pen, [left, top, side], placeX, placeY);
  }

  function drawArrows(pen, unit, placeX, placeY) {
    pen.beginPath();
    for (let index = 0; index < frame.tails.length; index += 2) {
      const [x, y] = [placeX(frame.tails[index]), placeY(frame.tails[index + 1])];
      const [dx, dy] = [frame.arrows[index] * unit, -frame.arrows[index + 1] * unit];
      const length = Math.hypot(dx, dy);
      if (!(length > 2)) continue;
      const head = Math.min(7, 0.45 * length);
      const [alongX, alongY] = [(dx / length) * head, (dy / length) * head];
      pen.moveTo(x, y);
      pen.lineTo(x + dx, y + dy);
      pen.moveTo(x + dx - alongX - alongY / 2, y + dy - alongY + alongX / 2);
      pen.lineTo(x + dx, y + dy);
      pen.lineTo(x + dx - alongX + alongY / 2, y + dy - alongY - alongX / 2);
    }
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = colours.paper; // an edge of paper keeps arrows legible on points
    pen.lineWidth = 4;
    pen.stroke();
    pen.strokeStyle = colours.generator;
    pen.lineWidth = 2;
    pen.stroke();
  }

  function drawAxes(pen, [left, top, side], placeX, placeY) {
    const power = 10 ** Math.floor(Math.log10(plane.reach));
    const step = [0.5, 1, 2, 5].map((factor) => factor * power).find((size) => plane.reach / size <= 4) ?? power;
    pen.strokeStyle = colours.line;
    pen.lineWidth = 1;
    pen.strokeRect(left + 0.5, top + 0.5, side - 1, side - 1);
    pen.fillStyle = colours.quiet;
    pen.font = `11px ${getComputedStyle(root).fontFamily}`;
    for (const [axis, middle] of plane.centre.entries()) {
      for (let index = Math.ceil((middle - plane.reach) / step); index * step <= middle + plane.reach; index++) {
        const words = String(Number((index * step).toPrecision(6))).replace("-", "−");
        [pen.textAlign, pen.textBaseline] = axis ? ["right", "middle"] : ["center", "top"];
        if (axis) pen.fillText(words, left - 5, placeY(index * step));
        else pen.fillText(words, placeX(index * step), top + side + 5);
      }
    }
    [pen.textAlign, pen.textBaseline] = ["center", "top"];
    pen.fillText("x₁", left + side / 2, top + side + 18);
    [pen.textAlign, pen.textBaseline] = ["left", "middle"];
    pen.fillText("x₂", 2, top + 0.27 * side);
  }

  // Frames may come faster than the screen shows them: the newest is drawn, and acknowledged when it is.
  let asked = false;
  let answer = null; // the timer of the next acknowledgement
  page.onClose(() => clearTimeout(answer));
  const drawSoon = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      drawPlane();
      if (!frame) return;
      canvas.setAttribute("aria-label", frame.alt);
      tellNumbers();
      if (frame.acknowledged) return;
      frame.acknowledged = true;
      root.dataset.frames = Number(root.dataset.frames ?? 0) + 1;
      answer ??= setTimeout(() => {
        answer = null;
        send("ack", { number: frame.number });
      }, ANSWER);
    });
  };
  const tellNumbers = () => {
    const rate = speed ? ` · ${Math.round(speed).toLocaleString("en-US")} steps/s` : "";
    const words = `step ${frame.step.toLocaleString("en-US")}${rate}${curveText ? ` · ${curveText}` : ""}`;
    if (numbers.textContent !== words) numbers.textContent = words;
  };

  // --- drawing with the mouse, a pen or a finger ------------------------------------------------------------
  const placeOf = (event) => {
    const [left, top, side] = square();
    const box = canvas.getBoundingClientRect();
    const share = (value) => Math.min(1, Math.max(0, value));
    const [across, down] = [share((event.clientX - box.left - left) / side), share((event.clientY - box.top - top) / side)];
    return [plane.centre[0] + plane.reach * (2 * across - 1), plane.centre[1] + plane.reach * (1 - 2 * down)];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (!state.drawing || event.button !== 0) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    stroke = [placeOf(event)];
    send("press", { name: "stroke" });
    drawSoon();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const part of events.length ? events : [event]) stroke.push(placeOf(part));
    drawSoon();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (!stroke) return;
      send("stroke", { points: stroke });
      state = { ...state, pen: [...state.pen, ...stroke] }; // until the kernel says which points it kept
      stroke = null;
      drawSoon();
    });
  }

  // --- what the kernel says ---------------------------------------------------------------------------------
  const showState = () => {
    play.say(state.playing ? "Pause" : "Play", state.playing ? "❚❚" : "▶");
    play.setAttribute("aria-pressed", state.playing);
    if (status.textContent !== state.message) status.textContent = state.message;
    for (const control of [state.slow, ...state.game, ...state.networks]) settings[control.name].update(control);
    for (const { name, box } of layers) box.checked = state.shown.includes(name);
    if (document.activeElement !== typed) typed.value = state.typed;
    canvas.classList.toggle("gt-lab-drawing", state.drawing);
    scaleWords.textContent = `½ · ${state.scale}`;
    scale.style.visibility = state.shown.includes("discriminator") ? "visible" : "hidden";
    drawSoon();
  };
  const onTheme = () => {
    colours = palette(root);
    bar.style.background = `linear-gradient(to right, ${colours.bar.join()})`;
    drawSoon();
  };
  page.onClose(whenShapeChanges(root, onTheme));
  const alive = setInterval(() => state.playing && send("alive"), ALIVE);
  page.onClose(() => clearInterval(alive));
  onTheme();
  showState();

  const receivers = {
    state(next) {
      state = next;
      showState();
    },
    plane(content, [points]) {
      plane = { ...content, points: floats(points) };
      for (const [note, name, drawn] of [[modesNote, "modes", modesChart], [distanceNote, "distances", distanceChart]]) {
        note.textContent = plane.notes[name];
        drawn.canvas.style.visibility = plane.notes[name] ? "hidden" : "visible";
      }
      drawSoon();
    },
    frame(content, [generated, shade, lines, tails, arrows, density]) {
      frame = {
        ...content,
        pointsALine: content.points_a_line,
        generated: floats(generated),
        shade: bytes(shade),
        lines: floats(lines),
        tails: floats(tails),
        arrows: floats(arrows),
        density: bytes(density),
      };
      drawSoon();
    },
    curves(content, buffers) {
      curveText = content.numbers;
      speed = content.speed;
      const columns = Object.fromEntries(
        content.names.map((name, index) => [name, { x: floats(buffers[2 * index]), y: floats(buffers[2 * index + 1]) }]),
      );
      const nothing = { x: [], y: [] };
      const xRange = [0, Math.max(10, content.step)];
      lossChart.set({
        xRange,
        alt: content.alt,
        series: [
          { name: "D", colour: "discriminator", ...(columns.discriminator ?? nothing) },
          { name: "G", colour: "generator", style: "dashed", ...(columns.generator ?? nothing) },
        ],
      });
      modesChart.set({
        xRange,
        yRange: [0, Math.max(1, plane.modes) * 1.06],
        alt: content.alt,
        series: [{ name: "generated", colour: "generated", ...(columns.modes ?? nothing) }],
        levels: plane.modes ? [{ name: "real", colour: "real", value: plane.modes, style: "dashed" }] : [],
      });
      const real = Object.entries(plane.real).map(([name, value]) => ({
        name: name === "js" ? "" : "real data",
        colour: name === "js" ? "neutral" : "generated",
        value,
        style: "dashed",
      }));
      distanceChart.set({
        xRange,
        alt: content.alt,
        log: true,
        series: [
          { name: "reverse KL", colour: "generated", ...columns.reverse_kl },
          { name: "JS", colour: "neutral", ...columns.js },
        ],
        levels: real,
      });
    },
  };
  for (const { kind, content, buffers } of state.opening ?? []) receivers[kind](content, buffers);
  return receivers;
});
