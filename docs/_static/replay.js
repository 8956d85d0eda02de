// Recorded trainings with a slider over their moments: images from one picture, or points in the plane.

const FOLDER = new URL("./replay/", import.meta.url);

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

/** Draws a moment of images: a part of the picture that holds all moments, one below the other. */
function images(recorded, picture) {
  const { width, height } = recorded;
  return {
    size: [width, height],
    draw: (context, moment) => context.drawImage(picture, 0, moment * height, width, height, 0, 0, width, height),
  };
}

/** Draws a moment of points: circles around the Gaussians of the real data, and the generated points. */
function points(recorded) {
  const size = 560, place = (value) => ((value / recorded.reach + 1) / 2) * size;
  return {
    size: [size, size],
    draw: (context, moment) => {
      const dark = document.documentElement.dataset.theme === "dark";
      context.fillStyle = dark ? "#14181e" : "#ffffff";
      context.fillRect(0, 0, size, size);
      const dot = (x, y, radius) => {
        context.beginPath();
        context.arc(place(x), size - place(y), radius, 0, 2 * Math.PI);
      };
      context.strokeStyle = dark ? "#56b4e9" : "#0072b2";
      context.lineWidth = 3;
      for (const [x, y] of recorded.modes) {
        dot(x, y, 16);
        context.stroke();
      }
      context.fillStyle = dark ? "#f5a25d" : "#d55e00";
      context.globalAlpha = 0.6;
      const flat = recorded.points[moment];
      for (let n = 0; n < flat.length; n += 2) {
        dot((flat[n] / 127) * recorded.reach, (flat[n + 1] / 127) * recorded.reach, 4);
        context.fill();
      }
      context.globalAlpha = 1;
    },
  };
}

/** Puts a recorded training into an element: a canvas, a slider, a button that plays. */
function open(root, recorded, view) {
  const last = recorded.steps.length - 1;
  const canvas = element("canvas", { className: "replay-picture", width: view.size[0], height: view.size[1] });
  canvas.setAttribute("role", "img");
  const slider = element("input", { type: "range", min: 0, max: last, value: last });
  slider.setAttribute("aria-label", "moment of the training");
  const caption = element("output", { className: "replay-step" });
  const play = element("button", { type: "button", textContent: "Play" });
  let timer = null;

  const show = () => {
    const text = `step ${recorded.steps[slider.value].toLocaleString("en")}`;
    view.draw(canvas.getContext("2d"), Number(slider.value));
    caption.textContent = text;
    slider.setAttribute("aria-valuetext", text);
    canvas.setAttribute("aria-label", `${recorded.alternative}, ${text}`);
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  };
  const advance = () => {
    slider.value = Number(slider.value) + 1;
    show();
    if (Number(slider.value) === last) stop();
  };
  slider.oninput = () => {
    stop();
    show();
  };
  play.onclick = () => {
    if (timer) return stop();
    if (Number(slider.value) === last) slider.value = 0;
    show();
    play.textContent = "Pause";
    timer = setInterval(advance, 250);
  };
  root.replaceChildren(canvas, element("div", { className: "replay-controls" }, play, slider, caption));
  new MutationObserver(show).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  show();
}

const places = document.querySelectorAll("[data-training]");
if (places.length) {
  const trainings = await (await fetch(new URL("trainings.json", FOLDER))).json();
  for (const root of places) {
    const recorded = trainings[root.dataset.training];
    if (recorded.kind === "points") {
      open(root, recorded, points(recorded));
      continue;
    }
    const picture = new Image();
    picture.onload = () => open(root, recorded, images(recorded, picture));
    picture.src = new URL(recorded.picture, FOLDER);
  }
}
