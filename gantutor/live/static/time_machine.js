// The time machine: the kernel sends all snapshots once, and this file plays them without it.
import { button, bytes, colour, element, floats, pictures, view, whenShapeChanges } from "./common.js";

const INTERVAL = 300; // milliseconds from one moment to the next

const STYLE = `
.gt-time-machine .gt-moment { flex: 1 1 260px; max-width: 620px; }
.gt-time-machine .gt-moment input { width: 100%; min-width: 120px; }
.gt-time-machine .gt-title { font-weight: 600; }
.gt-time-machine .gt-curves { display: block; width: 100%; }
.gt-time-machine .gt-texts { display: grid; gap: 2px 12px; }
.gt-time-machine .gt-texts span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
`;

export default view((page) => {
  const { root, send } = page;
  let sent = null; // all snapshots
  let data = null; // their numbers
  let timer = null;
  let told = -1; // the moment that the kernel knows

  root.classList.add("gt-time-machine");
  const slider = element("input", { type: "range", min: 0, max: 0, step: 1, "aria-label": "moment" });
  const play = button("Play", "▶", "Play the training from its beginning", () => (timer ? stop() : start()), {
    class: "gt-play",
  });
  const title = element("div", { class: "gt-title", role: "status" });
  const sheet = pictures(page, { class: "gt-pictures gt-picture" });
  const curves = element("canvas", { class: "gt-curves gt-picture", role: "img" });
  const texts = element("div", { class: "gt-texts gt-picture", role: "img" });
  root.append(
    element("style", {}, STYLE),
    element("div", { class: "gt-row" }, play, element("label", { class: "gt-moment" }, "moment", slider)),
    title,
    sheet.element,
    curves,
    texts,
  );

  function stop() {
    clearInterval(timer);
    timer = null;
    play.say("Play", "▶");
    tell();
  }

  function start() {
    if (!sent) return;
    if (Number(slider.value) === Number(slider.max)) slider.value = 0;
    show();
    timer = setInterval(() => {
      slider.value = Number(slider.value) + 1;
      show();
      if (Number(slider.value) === Number(slider.max)) stop();
    }, INTERVAL);
    play.say("Stop", "■");
  }

  /** Tell the kernel which moment is shown, when the slider stands. */
  function tell() {
    const moment = Number(slider.value);
    if (moment !== told) send("moment", { moment });
    told = moment;
  }

  function show() {
    if (!sent) return;
    const moment = Number(slider.value);
    title.textContent = sent.titles[moment];
    slider.setAttribute("aria-valuetext", sent.titles[moment]);
    const alt = sent.alts[moment];
    if (sent.form === "images") {
      const size = sent.count * sent.height * sent.width * sent.channels;
      sheet.set({ ...sent, alt }, data.subarray(moment * size, (moment + 1) * size));
      sheet.canvas.style.maxWidth = `${2.5 * sheet.canvas.width}px`;
    } else if (sent.form === "series") {
      curves.setAttribute("aria-label", alt);
      drawCurves(moment);
    } else {
      texts.setAttribute("aria-label", `${alt} ${sent.texts[moment].join(", ")}`);
      texts.style.gridTemplateColumns = `repeat(${sent.columns}, minmax(0, 1fr))`;
      texts.replaceChildren(...sent.texts[moment].map((text) => element("span", { title: text }, text)));
    }
  }

  function drawCurves(moment) {
    const { count, features, length, columns } = sent;
    const across = Math.min(columns, count);
    const [width, ratio] = [curves.clientWidth, devicePixelRatio || 1];
    if (!width) return;
    const [cellWidth, cellHeight] = [width / across, Math.min(90, Math.max(36, (0.62 * width) / across))];
    const height = Math.ceil(count / across) * cellHeight;
    [curves.width, curves.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    curves.style.height = `${height}px`;
    const pen = curves.getContext("2d");
    pen.scale(ratio, ratio);
    pen.strokeStyle = colour(root, "generated");
    pen.lineWidth = 1.3;
    pen.beginPath();
    for (let curve = 0; curve < count * features; curve++) {
      const index = Math.floor(curve / features);
      const [left, top] = [(index % across) * cellWidth, Math.floor(index / across) * cellHeight];
      const from = (moment * count * features + curve) * length;
      for (let point = 0; point < length; point++) {
        const x = left + cellWidth * (0.06 + (0.88 * point) / Math.max(1, length - 1));
        const y = top + cellHeight * (0.9 - 0.8 * data[from + point]);
        if (point) pen.lineTo(x, y);
        else pen.moveTo(x, y);
      }
    }
    pen.stroke();
  }

  slider.addEventListener("input", () => {
    if (timer) stop();
    show();
  });
  slider.addEventListener("change", tell);
  page.onClose(whenShapeChanges(root, () => sent?.form === "series" && show()));
  page.onClose(() => clearInterval(timer));

  const { content, buffers } = page.state.opening;
  sent = content;
  data = content.form === "series" ? floats(buffers[0]) : bytes(buffers[0]);
  slider.max = sent.titles.length - 1;
  slider.value = told = Math.min(page.state.moment, sent.titles.length - 1);
  play.disabled = sent.titles.length < 2;
  for (const [form, part] of [["images", sheet.element], ["series", curves], ["texts", texts]]) {
    if (form !== sent.form) part.remove();
  }
  show();
  return {};
});
