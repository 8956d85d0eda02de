// The explorer: sliders over latents. The kernel answers each choice with sheets of images as bytes.
import { element, pictures, view } from "./common.js";

const PATIENCE = 4000; // milliseconds after which a choice is sent although the last one was not answered

const STYLE = `
.gt-explorer .gt-settings { display: grid; grid-template-columns: repeat(auto-fit, minmax(270px, 1fr)); gap: 0 28px; max-width: 900px; }
.gt-explorer .gt-setting { display: grid; grid-template-columns: 104px minmax(0, 1fr) 44px; gap: 8px; align-items: center; min-height: 30px; }
.gt-explorer .gt-setting input { width: 100%; min-width: 0; margin: 0; }
.gt-explorer output { text-align: right; font-variant-numeric: tabular-nums; }
.gt-explorer fieldset { border: none; padding: 0; margin: 4px 0; display: flex; flex-wrap: wrap; gap: 4px; align-items: center; min-width: 0; }
.gt-explorer legend { float: left; width: 104px; padding: 0; margin-right: 8px; color: var(--gt-quiet); }
.gt-explorer fieldset button { min-width: 34px; justify-content: center; }
.gt-explorer .gt-shown { display: grid; grid-template-columns: minmax(110px, 1fr) minmax(0, 3.4fr); gap: 8px 20px; align-items: start; max-width: 1000px; }
.gt-explorer h4 { font: inherit; font-weight: 600; margin: 6px 0 3px; }
.gt-explorer .gt-error { color: var(--gt-generated); min-height: 1.4em; }
.gt-explorer .gt-chosen { height: 4px; background: var(--gt-generated); margin-top: 2px; border-radius: 2px; }
@container (max-width: 560px) { .gt-explorer .gt-shown { grid-template-columns: minmax(0, 1fr); } .gt-explorer .gt-one { max-width: 200px; } }
`;

let controlCount = 0; // a label finds its slider by a number that is used once on the page

export default view((page) => {
  const { root, send, state } = page;
  root.classList.add("gt-explorer");
  const { label, first, last, along, path: form } = state;
  const choice = { label, first, last, along, path: form, moves: [...state.moves] };

  // --- one request at a time: while the kernel computes, only the newest choice is kept ----------------------
  let number = 0;
  let waiting = null; // the timer of the request under way
  let changed = false;
  const ask = () => {
    if (waiting) {
      changed = true;
      return;
    }
    changed = false;
    send("choose", { ...choice, number: ++number });
    waiting = setTimeout(answered, PATIENCE);
  };
  const answered = () => {
    clearTimeout(waiting);
    waiting = null;
    if (changed) ask();
  };
  page.onClose(() => clearTimeout(waiting));

  // --- controls ---------------------------------------------------------------------------------------------
  function slider(name, label, [low, high, step], value, write, take) {
    const id = `gt-explorer-${++controlCount}`;
    const input = element("input", { id, type: "range", min: low, max: high, step, value });
    const output = element("output", { for: id });
    const tell = () => {
      output.textContent = write(Number(input.value));
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.addEventListener("input", () => {
      take(Number(input.value));
      tell();
      ask();
    });
    tell();
    return element("div", { class: `gt-setting gt-explore-${name}` }, element("label", { for: id }, label), input, output);
  }

  function options(name, label, values, titles) {
    const buttons = values.map((value, index) =>
      element("button", { type: "button", title: titles[index], onclick: () => pick(value) }, String(value)),
    );
    const mark = () => buttons.forEach((made, index) => made.setAttribute("aria-pressed", values[index] === choice[name]));
    const pick = (value) => {
      choice[name] = value;
      mark();
      ask();
    };
    mark();
    return element("fieldset", { class: `gt-explore-${name}` }, element("legend", {}, label), ...buttons);
  }

  const whole = (value) => String(value);
  const signed = (value) => value.toFixed(2).replace("-", "−");
  const sliders = [
    slider("first", "from latent", [0, 99, 1], choice.first, whole, (value) => (choice.first = value)),
    slider("last", "to latent", [0, 99, 1], choice.last, whole, (value) => (choice.last = value)),
    slider("along", "along the path", [0, 1, 0.1], choice.along, (value) => `${Math.round(100 * value)} %`, (value) => (choice.along = value)),
    ...choice.moves.map((move, index) =>
      slider(`move-${index + 1}`, `direction ${index + 1}`, [-4, 4, 0.25], move, signed, (value) => (choice.moves[index] = value)),
    ),
  ];
  const path = options("path", "path", ["spherical", "linear"], [
    "At each step the length lies between those of both latents",
    "A straight line between both latents",
  ]);
  const labels = state.labels.length ? options("label", "label", state.labels, state.labels.map((label) => `label ${label}`)) : null;

  // --- pictures ---------------------------------------------------------------------------------------------
  const oneTitle = element("h4");
  const one = pictures(page, { class: "gt-pictures gt-picture" });
  const rows = []; // as many as the kernel sends
  const column = element("div", { class: "gt-rows" });
  const failure = element("div", { class: "gt-error", role: "status" });
  const chosen = element("div", { class: "gt-chosen", "aria-hidden": "true" });
  root.append(
    element("style", {}, STYLE),
    ...(labels ? [labels] : []),
    path,
    element("div", { class: "gt-settings" }, ...sliders),
    element("div", { class: "gt-shown" }, element("div", { class: "gt-one" }, oneTitle, one.element), column),
    failure,
  );

  function row(index) {
    while (rows.length <= index) {
      const title = element("h4");
      const sheet = pictures(page);
      rows.push({ title, sheet });
      column.append(title, sheet.element);
      if (rows.length === 1) column.append(chosen);
    }
    return rows[index];
  }

  const receivers = {
    pictures(content, buffers) {
      failure.textContent = "";
      oneTitle.textContent = content.titles[0];
      one.set({ ...content.sheets[0], alt: content.alt }, buffers[0]);
      const widest = Math.max(...content.sheets.slice(1).map((sheet) => sheet.count));
      for (let index = 1; index < buffers.length; index++) {
        const { title, sheet } = row(index - 1);
        title.textContent = content.titles[index];
        sheet.set({ ...content.sheets[index], alt: content.titles[index] }, buffers[index]);
        // Images of all rows are of one size, and short rows end earlier.
        sheet.canvas.style.width = `${(100 * content.sheets[index].count) / widest}%`;
      }
      const share = 100 / widest;
      chosen.style.width = `${share}%`;
      chosen.style.marginLeft = `${share * content.chosen}%`;
      answered();
    },
    failure({ error }) {
      failure.textContent = error;
      answered();
    },
  };
  receivers[state.opening.kind](state.opening.content, state.opening.buffers);
  return receivers;
});
