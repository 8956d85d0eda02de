// The lab of the site: a generator and a discriminator of points in the plane, with gradients written by hand.

const HIDDEN = 32, LATENT = 2, BATCH = 64, SHOWN = 256, GRID = 44, REACH = 1.6, SLOPE = 0.2, EVERY = 4;

/** Random numbers that repeat with their seed. */
export function random(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

/** The modes of each distribution and their standard deviation. */
export const DATA = {
  ring: { modes: [...Array(8).keys()].map((i) => [Math.cos((i * Math.PI) / 4), Math.sin((i * Math.PI) / 4)]), sigma: 0.05 },
  grid: { modes: [...Array(9).keys()].map((i) => [(i % 3) - 1, Math.floor(i / 3) - 1]), sigma: 0.05 },
  pair: { modes: [[-0.8, 0], [0.8, 0]], sigma: 0.15 },
};

/** `count` points (x, y, x, y, …) of a distribution. */
export function sample(data, count, rng) {
  const points = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) {
    const mode = data.modes[Math.floor(rng.uniform() * data.modes.length)];
    points[2 * i] = mode[0] + data.sigma * rng.normal();
    points[2 * i + 1] = mode[1] + data.sigma * rng.normal();
  }
  return points;
}

const softplus = (t) => (t > 30 ? t : Math.log1p(Math.exp(t)));
const sigmoid = (t) => 1 / (1 + Math.exp(-t));

/** Losses of logits with their derivatives: of D at real and at generated points, and of G. */
export const LOSSES = {
  "non-saturating": {
    real: (t) => [softplus(-t), sigmoid(t) - 1],
    fake: (t) => [softplus(t), sigmoid(t)],
    generator: (t) => [softplus(-t), sigmoid(t) - 1],
  },
  minimax: {
    real: (t) => [softplus(-t), sigmoid(t) - 1],
    fake: (t) => [softplus(t), sigmoid(t)],
    generator: (t) => [-softplus(t), -sigmoid(t)],
  },
  "least squares": {
    real: (t) => [(t - 1) ** 2, 2 * (t - 1)],
    fake: (t) => [t ** 2, 2 * t],
    generator: (t) => [(t - 1) ** 2, 2 * (t - 1)],
  },
  hinge: {
    real: (t) => [Math.max(0, 1 - t), t < 1 ? -1 : 0],
    fake: (t) => [Math.max(0, 1 + t), t > -1 ? 1 : 0],
    generator: (t) => [-t, -1],
  },
};

/** A fully connected network with leaky ReLU and Adam. `forward` keeps what `backward` needs. */
export class Network {
  constructor(sizes, rng) {
    this.layers = sizes.slice(1).map((outputs, i) => {
      const inputs = sizes[i];
      const scale = Math.sqrt(2 / inputs);
      const weight = Float64Array.from({ length: inputs * outputs }, () => scale * rng.normal());
      return { inputs, outputs, values: [weight, new Float64Array(outputs)] };
    });
    for (const layer of this.layers) {
      layer.gradients = layer.values.map((value) => new Float64Array(value.length));
      layer.squares = layer.values.map((value) => new Float64Array(value.length));
    }
    this.updates = 0;
  }

  /** Outputs (N × outputs) of inputs (N × inputs). */
  forward(inputs) {
    this.inputs = [inputs];
    const count = inputs.length / this.layers[0].inputs;
    this.layers.forEach((layer, depth) => {
      const [weight, bias] = layer.values;
      const x = this.inputs[depth];
      const y = new Float64Array(count * layer.outputs);
      const last = depth === this.layers.length - 1;
      for (let n = 0; n < count; n++) {
        for (let o = 0; o < layer.outputs; o++) {
          let sum = bias[o];
          for (let i = 0; i < layer.inputs; i++) sum += weight[o * layer.inputs + i] * x[n * layer.inputs + i];
          y[n * layer.outputs + o] = last || sum > 0 ? sum : SLOPE * sum;
        }
      }
      this.inputs.push(y);
    });
    return this.inputs[this.inputs.length - 1];
  }

  /** Adds the gradients of the parameters, times `scale`, and returns those of the inputs. */
  backward(outputs, scale = 1) {
    let upper = outputs;
    for (let depth = this.layers.length - 1; depth >= 0; depth--) {
      const layer = this.layers[depth];
      const [weight] = layer.values, [weightGradient, biasGradient] = layer.gradients;
      const x = this.inputs[depth], count = x.length / layer.inputs;
      const lower = new Float64Array(x.length);
      for (let n = 0; n < count; n++) {
        for (let o = 0; o < layer.outputs; o++) {
          const g = upper[n * layer.outputs + o];
          if (g === 0) continue;
          biasGradient[o] += scale * g;
          for (let i = 0; i < layer.inputs; i++) {
            weightGradient[o * layer.inputs + i] += scale * g * x[n * layer.inputs + i];
            lower[n * layer.inputs + i] += g * weight[o * layer.inputs + i];
          }
        }
      }
      // Through the leaky ReLU of the layer below, whose outputs are this layer's inputs.
      if (depth > 0) for (let k = 0; k < lower.length; k++) if (x[k] <= 0) lower[k] *= SLOPE;
      upper = lower;
    }
    return upper;
  }

  /** One step of Adam with β = 0 and 0.99; the gradients begin anew. */
  update(rate) {
    const correction = 1 - 0.99 ** ++this.updates;
    for (const { values, gradients, squares } of this.layers) {
      values.forEach((value, p) => {
        for (let k = 0; k < value.length; k++) {
          const g = gradients[p][k];
          squares[p][k] = 0.99 * squares[p][k] + 0.01 * g * g;
          value[k] -= (rate * g) / (Math.sqrt(squares[p][k] / correction) + 1e-8);
          gradients[p][k] = 0;
        }
      });
    }
  }

  clear() {
    for (const { gradients } of this.layers) gradients.forEach((gradient) => gradient.fill(0));
  }
}

/** The game: both networks, and one step of each. */
export class Game {
  constructor(settings) {
    this.settings = settings;
    this.rng = random(settings.seed);
    this.generator = new Network([LATENT, HIDDEN, HIDDEN, 2], this.rng);
    this.discriminator = new Network([2, HIDDEN, HIDDEN, 1], this.rng);
    this.shown = this.latents(SHOWN);
    this.steps = 0;
    this.losses = { discriminator: NaN, generator: NaN };
  }

  latents(count) {
    return Float64Array.from({ length: LATENT * count }, () => this.rng.normal());
  }

  /** The mean loss of logits; gives its gradient to `gradient`. */
  static loss(rule, logits, gradient) {
    let sum = 0;
    logits.forEach((logit, n) => {
      const [value, slope] = rule(logit);
      sum += value / logits.length;
      gradient[n] = slope / logits.length;
    });
    return sum;
  }

  /** Adds the gradient of γ/2 · E‖∇D(x)‖², as a difference along v = ∇D(x); returns the penalty. */
  penalize(points, gamma) {
    const d = this.discriminator, count = points.length / 2, epsilon = 1e-4;
    d.forward(points);
    const v = d.backward(new Float64Array(count).fill(1), 0);
    const moved = (sign) => points.map((value, k) => value + sign * epsilon * v[k]);
    const weights = new Float64Array(count).fill(gamma / (2 * epsilon * count));
    d.forward(moved(1));
    d.backward(weights);
    d.forward(moved(-1));
    d.backward(weights, -1);
    return (gamma / 2) * (v.reduce((sum, value) => sum + value * value, 0) / count);
  }

  step() {
    const { data, loss, gamma, rates } = this.settings;
    const rule = LOSSES[loss], d = this.discriminator, g = this.generator, slope = new Float64Array(BATCH);
    const real = sample(DATA[data], BATCH, this.rng);
    const fake = g.forward(this.latents(BATCH));
    this.losses.discriminator = Game.loss(rule.real, d.forward(real), slope);
    d.backward(slope);
    this.losses.discriminator += Game.loss(rule.fake, d.forward(fake), slope);
    d.backward(slope);
    if (gamma > 0 && this.steps % EVERY === 0) this.penalize(real, EVERY * gamma);
    d.update(rates.discriminator);
    const made = g.forward(this.latents(BATCH));
    this.losses.generator = Game.loss(rule.generator, d.forward(made), slope);
    g.backward(d.backward(slope));
    d.clear();
    g.update(rates.generator);
    this.steps++;
  }

  points() {
    return this.generator.forward(this.shown);
  }

  /** How many modes hold a fifth of their share of the shown points or more, and the share within 3σ of one. */
  scores() {
    const { modes, sigma } = DATA[this.settings.data], points = this.points(), counts = modes.map(() => 0);
    for (let n = 0; n < SHOWN; n++) {
      const distances = modes.map(([x, y]) => Math.hypot(points[2 * n] - x, points[2 * n + 1] - y));
      const nearest = distances.indexOf(Math.min(...distances));
      if (distances[nearest] <= 3 * sigma) counts[nearest]++;
    }
    const covered = counts.filter((count) => count >= SHOWN / modes.length / 5).length;
    return { covered, modes: modes.length, quality: counts.reduce((a, b) => a + b, 0) / SHOWN };
  }
}

const REAL = "#0072b2", GENERATED = "#d55e00";

/** Draws a game on a canvas. */
function draw(canvas, game, real) {
  const size = canvas.width, context = canvas.getContext("2d");
  const dark = document.documentElement.dataset.theme === "dark";
  const place = (value) => ((value + REACH) / (2 * REACH)) * size;
  context.fillStyle = dark ? "#14181e" : "#ffffff";
  context.fillRect(0, 0, size, size);
  const cells = new Float64Array(2 * GRID * GRID);
  for (let k = 0; k < GRID * GRID; k++) {
    cells[2 * k] = (((k % GRID) + 0.5) / GRID) * 2 * REACH - REACH;
    cells[2 * k + 1] = REACH - ((Math.floor(k / GRID) + 0.5) / GRID) * 2 * REACH;
  }
  const side = size / GRID;
  game.discriminator.forward(cells).forEach((logit, k) => {
    const p = sigmoid(game.settings.loss === "least squares" ? 4 * (logit - 0.5) : logit);
    context.globalAlpha = Math.abs(p - 0.5) * 0.9;
    context.fillStyle = p > 0.5 ? REAL : GENERATED;
    context.fillRect((k % GRID) * side, Math.floor(k / GRID) * side, side + 0.5, side + 0.5);
  });
  const dots = (points, colour, radius) => {
    context.fillStyle = colour;
    context.strokeStyle = dark ? "#14181e" : "#ffffff";
    for (let n = 0; n < points.length; n += 2) {
      context.beginPath();
      context.arc(place(points[n]), size - place(points[n + 1]), radius, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    }
  };
  context.globalAlpha = 1;
  context.lineWidth = size / 700;
  dots(real, dark ? "#56b4e9" : REAL, size / 150);
  dots(game.points(), dark ? "#f5a25d" : GENERATED, size / 150);
}

/** Puts the lab into an element of the page. */
export function open(root) {
  const settings = { data: "ring", loss: "non-saturating", gamma: 0.01, seed: 0, rates: { generator: 0.002, discriminator: 0.002 } };
  const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const canvas = element("canvas", { width: 640, height: 640, className: "lab-plane" });
  canvas.setAttribute("role", "img");
  const numbers = element("p", { className: "lab-numbers" });
  const play = element("button", { type: "button", className: "lab-play" });
  let game, real, playing = false;

  const show = () => {
    draw(canvas, game, real);
    const { covered, modes, quality } = game.scores();
    const text =
      `step ${game.steps.toLocaleString("en")} · modes covered ${covered} of ${modes} · ` +
      `within 3σ of a mode ${Math.round(100 * quality)} %`;
    const losses = Object.entries(game.losses).map(([name, value]) => `${name} ${value.toFixed(2)}`);
    numbers.textContent = game.steps ? `${text} · losses: ${losses.join(", ")}` : text;
    canvas.setAttribute("aria-label", `Real and generated points in the plane: ${text}`);
    play.textContent = playing ? "Pause" : "Play";
  };
  const reset = () => {
    game = new Game(settings);
    real = sample(DATA[settings.data], SHOWN, random(1));
    show();
  };
  const frame = () => {
    if (!playing) return;
    const end = performance.now() + 14;
    while (performance.now() < end) game.step();
    show();
    requestAnimationFrame(frame);
  };
  play.onclick = () => {
    playing = !playing;
    show();
    requestAnimationFrame(frame);
  };
  const step = element("button", { type: "button", textContent: "Step", className: "lab-step" });
  step.onclick = () => {
    playing = false;
    game.step();
    show();
  };
  const again = element("button", { type: "button", textContent: "Reset", className: "lab-reset" });
  again.onclick = () => {
    settings.seed++;
    reset();
  };
  const choice = (name, options, value, change) => {
    const select = element("select", { name: name.replaceAll(" ", "-") });
    for (const option of options) select.append(element("option", { value: option, textContent: option, selected: option === value }));
    select.onchange = () => change(select.value);
    return element("label", {}, `${name} `, select);
  };
  const rates = [0.0005, 0.001, 0.002, 0.005, 0.02];
  const controls = [
    choice("data", Object.keys(DATA), settings.data, (value) => { settings.data = value; reset(); }),
    choice("loss", Object.keys(LOSSES), settings.loss, (value) => { settings.loss = value; }),
    choice("R1 penalty", [0, 0.01, 0.1, 1], settings.gamma, (value) => { settings.gamma = Number(value); }),
    choice("learning rate of G", rates, 0.002, (value) => { settings.rates.generator = Number(value); }),
    choice("learning rate of D", rates, 0.002, (value) => { settings.rates.discriminator = Number(value); }),
  ];
  root.replaceChildren(
    element("div", { className: "lab-controls" }, play, step, again, ...controls),
    canvas,
    numbers,
  );
  new MutationObserver(show).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  reset();
}

const root = document.getElementById("lab-here");
if (root) open(root);
