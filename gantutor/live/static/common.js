// What all views share. A view is written as
//
//     import { view, chart, pictures } from "./common.js";
//     export default view((page) => { …; return { samples(content, buffers) { … } }; });
//
// `page` has the element `root`, the `state` that the kernel gave, and `send(kind, content)`. The functions that
// come back receive the kernel's messages by their kind. gantutor/live/widget.py puts this file before the view's.

export function view(build) {
  const latest = new WeakMap(); // by model: the last message of each kind, for a page that is drawn again
  return {
    initialize({ model }) {
      latest.set(model, new Map());
      model.on("msg:custom", (content, buffers) => latest.get(model).set(content.kind, [content, buffers]));
    },
    render({ model, el }) {
      const root = element("div", { class: "gt-view" });
      el.append(root);
      const cleanups = [];
      const page = {
        root,
        state: model.get("state"),
        send: (kind, content = {}) => model.send({ ...content, kind }),
        onClose: (cleanup) => cleanups.push(cleanup),
      };
      const receivers = build(page);
      const receive = (content, buffers) => receivers[content.kind]?.(content, buffers ?? []);
      const onState = () => receivers.state?.(model.get("state"));
      for (const [content, buffers] of latest.get(model)?.values() ?? []) receive(content, buffers);
      model.on("msg:custom", receive);
      model.on("change:state", onState);
      page.send("ready");
      return () => {
        model.off("msg:custom", receive);
        model.off("change:state", onState);
        cleanups.forEach((cleanup) => cleanup());
      };
    },
  };
}

// --- elements -----------------------------------------------------------------------------------------------

/** An HTML element: attributes, "on…" listeners, and children that are elements or text. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  // JupyterLab takes arrows and letters for its own commands, unless the element with the focus forbids it.
  if (["button", "input", "select", "summary"].includes(tag)) made.dataset.lmSuppressShortcuts = "true";
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** A button with a symbol that screen readers leave out. */
export function button(label, symbol, title, onClick, attributes = {}) {
  const mark = element("span", { class: "gt-symbol", "aria-hidden": "true" }, symbol);
  const words = element("span", {}, label);
  const made = element("button", { type: "button", title, onclick: onClick, ...attributes }, mark, words);
  made.say = (newLabel, newSymbol) => {
    words.textContent = newLabel;
    mark.textContent = newSymbol;
  };
  return made;
}

// --- numbers ------------------------------------------------------------------------------------------------

/** The bytes of a buffer. */
export const bytes = (buffer) => new Uint8Array(buffer.buffer ?? buffer, buffer.byteOffset ?? 0, buffer.byteLength);

/** The 32-bit floats of a buffer, which may begin anywhere in memory. */
export const floats = (buffer) => new Float32Array(bytes(buffer).slice().buffer);

/** A number in few letters. */
export function short(value) {
  if (value === null || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(1).replace("e+", "e").replace("-", "−");
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return Number(value.toFixed(digits)).toLocaleString("en-US").replace("-", "−");
}

/** About `count` round numbers from low to high. */
function ticks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const made = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) made.push(index * step);
  return made;
}

// --- colours ------------------------------------------------------------------------------------------------

/** The colour of a name, such as "real", in the present theme; a code such as "#0072B2" is a colour already. */
export function colour(near, name) {
  if (!/^[a-z-]+$/.test(name)) return name;
  return getComputedStyle(near).getPropertyValue(`--gt-${name}`).trim() || "gray";
}

/** Call `redraw` when the width of an element or the theme changes, and once per frame at most. */
export function whenShapeChanges(watched, redraw) {
  let asked = false;
  const soon = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      redraw();
    });
  };
  const sizes = new ResizeObserver(soon);
  sizes.observe(watched);
  const themes = new MutationObserver(soon);
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", soon);
  return () => {
    sizes.disconnect();
    themes.disconnect();
    dark.removeEventListener("change", soon);
  };
}

// --- images -------------------------------------------------------------------------------------------------

/**
 * A grid of images on a canvas, enlarged without blurring. `set(content, buffer)` takes what `image_bytes` returns,
 * and `content.alt` is the text for screen readers.
 */
export function pictures(page, attributes = {}) {
  const canvas = element("canvas", { role: "img", width: 1, height: 1 });
  const frame = element("div", { class: "gt-pictures", ...attributes }, canvas);
  const smooth = () => {
    // Fewer screen pixels than image pixels: averages look better than missing lines.
    const shrunk = canvas.clientWidth * devicePixelRatio < canvas.width;
    canvas.style.imageRendering = shrunk ? "auto" : "pixelated";
  };
  page.onClose(whenShapeChanges(frame, smooth));
  return {
    element: frame,
    canvas,
    set({ count, height, width, channels, columns, alt }, buffer) {
      const pixels = bytes(buffer);
      const across = Math.min(columns, count);
      const sheet = new ImageData(across * (width + 1) - 1, Math.ceil(count / across) * (height + 1) - 1);
      const words = new Uint32Array(sheet.data.buffer); // a pixel in one word: what is left out stays transparent
      let from = 0;
      for (let index = 0; index < count; index++) {
        const left = (index % across) * (width + 1);
        const top = Math.floor(index / across) * (height + 1);
        for (let row = 0; row < height; row++) {
          let to = (top + row) * sheet.width + left;
          for (let column = 0; column < width; column++, from += channels) {
            const red = pixels[from];
            const green = channels === 3 ? pixels[from + 1] : red;
            const blue = channels === 3 ? pixels[from + 2] : red;
            words[to++] = (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
          }
        }
      }
      if (canvas.width !== sheet.width || canvas.height !== sheet.height) {
        [canvas.width, canvas.height] = [sheet.width, sheet.height];
        smooth();
      }
      canvas.getContext("2d").putImageData(sheet, 0, 0);
      if (alt) canvas.setAttribute("aria-label", alt);
      canvas.dataset.updates = Number(canvas.dataset.updates ?? 0) + 1;
    },
  };
}

// --- charts -------------------------------------------------------------------------------------------------

/**
 * A chart with axes, a title and a key. `set(data)` draws
 *   series: [{name, colour, x, y, style: "line" | "dashed" | "points" | "markers" | "filled", hidden}],
 *   levels: [{name, colour, value}]  horizontal lines,   verticals: [{value}]  vertical lines,
 *   log: whether the y axis is logarithmic,   equal: whether both axes have one scale,
 *   xRange, yRange: [low, high] or nothing,   title, alt, xLabel, yLabel: texts.
 */
export function chart(page, { title = "", x = "", y = "", height = 150, key = true, attributes = {} } = {}) {
  const heading = element("span", { class: "gt-chart-title" }, title);
  const keys = element("span", { class: "gt-key" });
  const canvas = element("canvas", { role: "img", "aria-label": title });
  const frame = element("figure", { class: "gt-chart", ...attributes }, element("figcaption", {}, heading, keys), canvas);
  canvas.style.height = `${height}px`;
  let data = { series: [] };
  let keyText = null;
  const redraw = () => drawChart(canvas, data, data.xLabel ?? x, data.yLabel ?? y);
  page.onClose(whenShapeChanges(frame, redraw));
  return {
    element: frame,
    canvas,
    set(newData) {
      data = newData;
      if (data.title) heading.textContent = data.title;
      canvas.setAttribute("aria-label", data.alt ?? title);
      const named = [...data.series, ...(data.levels ?? [])].filter((part) => part.name && !part.hidden);
      const text = named.map((part) => part.name + part.colour + part.style).join();
      if (key && text !== keyText) {
        keyText = text;
        keys.replaceChildren(
          ...named.map((part) => {
            const mark = element("span", { class: `gt-mark gt-${part.style ?? "line"}`, "aria-hidden": "true" });
            mark.style.color = /^[a-z-]+$/.test(part.colour) ? `var(--gt-${part.colour})` : part.colour;
            return element("span", {}, mark, part.name);
          }),
        );
      }
      redraw();
    },
  };
}

/** The least and the greatest of finite numbers, or nothing. */
function extent(lists, positive) {
  let [low, high] = [Infinity, -Infinity];
  for (const list of lists) {
    for (const value of list) {
      if (!Number.isFinite(value) || (positive && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : null;
}

function drawChart(canvas, data, xLabel, yLabel) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!width || !height) return;
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const [ink, line] = [colour(canvas, "quiet"), colour(canvas, "line")];
  const shown = data.series.filter((part) => !part.hidden);
  const log = Boolean(data.log);
  let [left, top, right, bottom] = [44, 6, width - 8, height - (xLabel ? 30 : 18)];
  let xs = data.xRange ?? extent(shown.map((part) => part.x), false) ?? [0, 1];
  const heights = [...shown.map((part) => part.y), (data.levels ?? []).map((level) => level.value)];
  if (shown.some((part) => part.style === "filled")) heights.push([0]);
  let ys = data.yRange ?? extent(heights, log) ?? [0, 1];
  if (xs[0] === xs[1]) xs = [xs[0] - 0.5, xs[1] + 0.5];
  const toY = log ? Math.log10 : (value) => value;
  ys = ys.map(toY);
  if (ys[0] === ys[1]) ys = [ys[0] - 0.5, ys[1] + 0.5];
  else if (!data.yRange) ys = [ys[0] - 0.06 * (ys[1] - ys[0]), ys[1] + 0.06 * (ys[1] - ys[0])];
  if (data.equal) {
    // One unit is as long on both axes: widen the range of the axis that has room.
    const unit = Math.max((xs[1] - xs[0]) / (right - left), (ys[1] - ys[0]) / (bottom - top));
    const spread = ([low, high], length) => [(low + high - unit * length) / 2, (low + high + unit * length) / 2];
    xs = spread(xs, right - left);
    ys = spread(ys, bottom - top);
  }
  const placeX = (value) => left + ((value - xs[0]) / (xs[1] - xs[0])) * (right - left);
  const placeY = (value) => bottom - ((toY(value) - ys[0]) / (ys[1] - ys[0])) * (bottom - top);

  pen.font = `11px ${getComputedStyle(canvas).fontFamily}`;
  pen.fillStyle = ink;
  pen.lineWidth = 1;
  pen.strokeStyle = line;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  let upright = ticks(ys[0], ys[1], Math.max(2, (bottom - top) / 34));
  if (log) upright = upright.filter((value) => Number.isInteger(value)).length > 1 ? upright.filter(Number.isInteger) : upright;
  for (const value of upright) {
    const at = bottom - ((value - ys[0]) / (ys[1] - ys[0])) * (bottom - top);
    pen.beginPath();
    pen.moveTo(left, at);
    pen.lineTo(right, at);
    pen.stroke();
    pen.fillText(short(log ? 10 ** value : value), left - 6, at);
  }
  pen.textBaseline = "top";
  pen.textAlign = "center";
  for (const value of ticks(xs[0], xs[1], Math.max(2, (right - left) / 70))) {
    const words = short(value);
    const half = pen.measureText(words).width / 2;
    pen.fillText(words, Math.min(placeX(value), width - half - 1), bottom + 5);
  }
  if (xLabel) pen.fillText(xLabel, (left + right) / 2, bottom + 18);
  if (yLabel) {
    pen.save();
    pen.translate(1, (top + bottom) / 2);
    pen.rotate(-Math.PI / 2);
    pen.fillText(yLabel, 0, 0);
    pen.restore();
  }
  pen.strokeRect(left, top, right - left, bottom - top);

  pen.save();
  pen.beginPath();
  pen.rect(left, top, right - left, bottom - top);
  pen.clip();
  pen.lineWidth = 1.6;
  pen.lineJoin = "round";
  for (const { value } of data.verticals ?? []) {
    pen.strokeStyle = ink;
    pen.setLineDash([2, 3]);
    pen.beginPath();
    pen.moveTo(placeX(value), top);
    pen.lineTo(placeX(value), bottom);
    pen.stroke();
  }
  for (const level of data.levels ?? []) {
    pen.strokeStyle = colour(canvas, level.colour);
    pen.setLineDash(level.style === "dashed" ? [5, 3] : []);
    pen.beginPath();
    pen.moveTo(left, placeY(level.value));
    pen.lineTo(right, placeY(level.value));
    pen.stroke();
  }
  for (const part of shown) {
    pen.strokeStyle = pen.fillStyle = colour(canvas, part.colour);
    pen.setLineDash(part.style === "dashed" ? [5, 3] : []);
    if (part.style === "points") {
      pen.globalAlpha = 0.75;
      for (let index = 0; index < part.x.length; index++) {
        pen.beginPath();
        pen.arc(placeX(part.x[index]), placeY(part.y[index]), 2, 0, 2 * Math.PI);
        pen.fill();
      }
      pen.globalAlpha = 1;
      continue;
    }
    pen.beginPath();
    let down = false;
    for (let index = 0; index < part.x.length; index++) {
      const [across, up] = [placeX(part.x[index]), placeY(part.y[index])];
      if (!Number.isFinite(up)) down = false;
      else if (down) pen.lineTo(across, up);
      else {
        pen.moveTo(across, up);
        down = true;
      }
    }
    pen.stroke();
    if (part.style === "filled" && part.x.length) {
      pen.lineTo(placeX(part.x[part.x.length - 1]), placeY(0));
      pen.lineTo(placeX(part.x[0]), placeY(0));
      pen.globalAlpha = 0.25;
      pen.fill();
      pen.globalAlpha = 1;
    }
    if (part.style === "markers") {
      for (let index = 0; index < part.x.length; index++) {
        pen.beginPath();
        pen.arc(placeX(part.x[index]), placeY(part.y[index]), 3, 0, 2 * Math.PI);
        pen.fill();
      }
    }
  }
  pen.restore();
}
