// The dashboard of a training: controls, samples, curves. gantutor/live/dashboard.py sends what is drawn here.

import { view, element, button, chart, pictures, floats, bytes, short } from "./common.js";

export default view((page) => {
  const { root, state } = page;
  root.classList.add("gt-dashboard");
  const controls = makeControls(page);
  const picture = makePicture(page, state.view);
  const losses = chart(page, { title: "Losses", x: "step", y: "loss", attributes: { class: "gt-chart gt-losses" } });
  const logits = chart(page, { title: "Logits of the discriminator", attributes: { class: "gt-chart gt-logits" } });
  const scores = chart(page, { title: "Score", x: "step", attributes: { class: "gt-chart gt-scores" } });
  const table = element("table", { class: "gt-score-table" });
  const sounds = element("div", { class: "gt-sounds" });
  const report = element("pre", { class: "gt-report", role: "status" });
  const optional = [logits.element, scores.element, table, sounds, report]; // shown once there is something to show
  optional.forEach((part) => (part.hidden = true));

  const curves = element("div", { class: "gt-curves" }, losses.element, logits.element, scores.element, table);
  const panels = element("div", { class: "gt-panels" }, ...(state.view === "none" ? [] : [picture.element]), curves);
  root.append(...controls.elements, panels, sounds, report);

  const plot = (target) => (content, buffers) => {
    target.element.hidden = false;
    target.set(unpack(content, buffers[0]));
  };
  return {
    status: controls.show,
    images: picture.images,
    plot: picture.plot,
    view: picture.view,
    words: picture.words,
    losses: plot(losses),
    logits: plot(logits),
    scores(content, buffers) {
      plot(scores)(content, buffers);
      table.hidden = false;
      const cell = (tag, text) => element(tag, tag === "th" ? { scope: "col" } : {}, text);
      const row = (tag, texts) => element("tr", {}, ...texts.map((text) => cell(tag, text)));
      table.replaceChildren(
        element("thead", {}, row("th", ["score", "generated", "real data", "better"])),
        element("tbody", {}, ...content.rows.map(([name, value, real, better]) => row("td", [name, short(value), short(real), better]))),
      );
    },
    sounds({ html }) {
      sounds.hidden = false;
      sounds.innerHTML = html; // players that this package wrote
    },
    report({ text }) {
      report.hidden = !text;
      report.textContent = text;
    },
  };
});

/** The series of a chart, whose numbers come one after the other in one buffer: the x values and the y values of each. */
function unpack(content, buffer) {
  const values = floats(buffer);
  let at = 0;
  const take = (count) => values.subarray(at, (at += count));
  return { ...content, series: content.series.map((part) => ({ ...part, x: take(part.count), y: take(part.count) })) };
}

/** What the networks generate: a grid of images, a plot, or the picture of the user's own view. */
function makePicture(page) {
  const heading = element("figcaption", { class: "gt-chart-title" }, "Generated");
  const images = pictures(page);
  const plot = chart(page, { height: 340 });
  const drawn = element("img", { alt: "" });
  const own = element("div", { class: "gt-pictures gt-own" }, drawn);
  const words = element("p", { class: "gt-quiet" });
  const parts = { images: images.element, plot: plot.element, view: own, words };
  const frame = element("figure", { class: "gt-picture" }, heading, ...Object.values(parts));
  const showOnly = (name, title) => {
    for (const [other, part] of Object.entries(parts)) part.hidden = other !== name;
    heading.textContent = title;
    heading.hidden = !title;
    frame.dataset.updates = Number(frame.dataset.updates ?? 0) + 1;
  };
  showOnly(null, "Generated");
  frame.dataset.updates = 0;
  let address = null;
  page.onClose(() => address && URL.revokeObjectURL(address));
  return {
    element: frame,
    images(content, buffers) {
      images.set(content, buffers[0]);
      showOnly("images", content.title);
    },
    plot(content, buffers) {
      plot.set(unpack(content, buffers[0]));
      showOnly("plot", "");
    },
    view({ alt }, buffers) {
      const old = address;
      address = URL.createObjectURL(new Blob([bytes(buffers[0])], { type: "image/png" }));
      drawn.onload = () => old && URL.revokeObjectURL(old);
      drawn.src = address;
      drawn.alt = alt;
      showOnly("view", "");
    },
    words({ text, title }) {
      words.textContent = text;
      showOnly("words", title);
    },
  };
}

/** Buttons, fields and the line of progress. The kernel's word counts: `show` is called four times a second. */
function makeControls(page) {
  const { root, state } = page;
  let paused = false;
  let waitingFor = null; // the mark of our last command, until the kernel's status carries it
  const order = (kind, content = {}) => {
    waitingFor = `${kind} ${Math.random()}`;
    page.send(kind, { ...content, mark: waitingFor });
  };

  const showPaused = (now) => {
    paused = now;
    pause.say(paused ? "Resume" : "Pause", paused ? "▶" : "❚❚");
    pause.setAttribute("aria-pressed", paused);
    root.classList.toggle("gt-paused", paused);
  };
  const onPause = () => {
    showPaused(!paused);
    order(paused ? "pause" : "resume");
  };
  const onStep = (networks) => () => {
    showPaused(true);
    order("step", { networks });
  };
  const pause = button("Pause", "❚❚", "Hold the training before its next step (Space)", onPause, {
    class: "gt-pause", "aria-keyshortcuts": "Space", "aria-pressed": "false",
  });
  const steps = state.steps.map(({ label, networks, title, name }) =>
    button(label, "▶❚", title, onStep(networks), {
      class: name ? `gt-step-${name}` : "gt-step", "aria-keyshortcuts": name ? null : "S",
    }),
  );
  const stop = button("Stop", "■", "End the training and keep what was learnt", () => order("stop"), { class: "gt-stop" });

  const fields = state.rates.map(({ name, rate }) => {
    const field = element("input", {
      type: "number", min: 0, max: 1, step: "any", value: rate, title: "From 0, which freezes the network, to 1",
    });
    let known = rate;
    field.addEventListener("change", () => {
      const value = Math.min(1, Math.max(0, Number(field.value)));
      if (field.value === "" || !Number.isFinite(value)) field.value = known;
      else {
        field.value = known = value;
        order("rate", { name, value });
      }
    });
    return {
      element: element("label", { class: `gt-rate gt-rate-${name}` }, `learning rate, ${name}`, field),
      show(rates) {
        if (name in rates && document.activeElement !== field) field.value = known = rates[name];
      },
    };
  });
  const slow = element("input", {
    type: "range", min: 0, max: 1, step: 0.05, value: 0, title: "Seconds to wait after every step",
  });
  const pauseLength = element("output", {}, "0 s");
  slow.addEventListener("input", () => {
    pauseLength.textContent = `${slow.value} s`;
    order("slow", { value: Number(slow.value) });
  });

  const bar = element("progress", { max: 1, value: 0, "aria-label": "Progress of the training" });
  const count = element("b", { class: "gt-step-count" }, String(state.step));
  const rest = element("span");
  const message = element("div", { class: "gt-message gt-quiet", role: "status" }, state.message);

  // Space pauses wherever the focus is on the dashboard, but for buttons and fields, which have their own use for it.
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "A training while it runs. Space pauses and resumes it, S takes one step.");
  root.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab's own keys would act on the cell
  root.addEventListener("keydown", (event) => {
    if (event.target.closest("button, input, audio, a") || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = { " ": onPause, s: steps.length ? onStep([]) : null }[event.key.toLowerCase()];
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    elements: [
      element("div", { class: "gt-row" }, pause, ...steps, stop),
      element(
        "div",
        { class: "gt-row gt-settings" },
        ...fields.map((field) => field.element),
        element("label", { class: "gt-slow" }, "slow motion", slow, pauseLength),
      ),
      element("div", { class: "gt-row gt-progress" }, bar, element("span", {}, "step ", count, rest)),
      message,
    ],
    show(status) {
      count.textContent = String(status.step);
      bar.value = status.progress;
      const left = status.left;
      const words = [
        `${Math.round(100 * status.progress)} %`,
        left === null ? "" : left < 100 ? `${Math.round(left)} s left` : left < 6000 ? `${Math.round(left / 60)} min left` : `${Math.round(left / 3600)} h left`,
        `${Math.round(status.speed).toLocaleString("en-US")} samples/s`,
        status.paused ? "paused" : "",
      ];
      rest.textContent = words.filter(Boolean).map((word) => ` · ${word}`).join("");
      if (message.textContent !== status.message) message.textContent = status.message;
      if (waitingFor !== null && waitingFor !== status.mark) return; // the kernel has not heard our last command yet
      waitingFor = null;
      if (paused !== status.paused) showPaused(status.paused);
      fields.forEach((field) => field.show(status.rates));
      if (document.activeElement !== slow) {
        slow.value = status.delay;
        pauseLength.textContent = `${status.delay} s`;
      }
    },
  };
}
