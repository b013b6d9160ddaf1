"use strict";
/* The numbers of the learning-rate figure. No page: tests compare them with answers/learning_rate.py. */
const learningRate = (() => {
  const STEPS = 30;
  const DONE = 0.01; // the share of the loss that may be left after these steps for a rate not to be too low
  const REGIMES = ["too low", "acceptable", "oscillating", "diverging"];

  /* The weights after t steps of descent on ½Σhᵢwᵢ². */
  const weightsAfter = (t, w, curvatures, lr) => w.map((each, i) => each * (1 - lr * curvatures[i]) ** t);

  const parts = (w, curvatures) => w.map((each, i) => (curvatures[i] * each ** 2) / 2);

  const total = (numbers) => numbers.reduce((a, b) => a + b, 0);

  /* The loss ½Σhᵢwᵢ² at the start w and after each of the steps: quadratic_losses of the page. */
  const quadraticLosses = (w, curvatures, lr, steps) =>
    Array.from({ length: steps + 1 }, (_, t) => total(parts(weightsAfter(t, w, curvatures, lr), curvatures)));

  /* The share of the loss that is left after all steps. */
  function shareLeft(w, curvatures, lr) {
    const losses = [0, STEPS].map((t) => total(parts(weightsAfter(t, w, curvatures, lr), curvatures)));
    return losses[1] / losses[0];
  }

  /* Below 1/h no weight changes its sign, up to 2/h the steepest one does at every step, beyond it grows. */
  function regime(w, curvatures, lr) {
    const product = lr * Math.max(...curvatures);
    if (product > 2) return "diverging";
    if (product > 1) return "oscillating";
    return shareLeft(w, curvatures, lr) > DONE ? "too low" : "acceptable";
  }

  /* The rate at which "too low" ends, by bisection: below 1/h a higher rate leaves less of the loss. */
  function enough(w, curvatures) {
    let [low, high] = [0, 1 / Math.max(...curvatures)];
    for (let i = 0; i < 40; i++) {
      const middle = (low + high) / 2;
      if (shareLeft(w, curvatures, middle) > DONE) low = middle;
      else high = middle;
    }
    return high;
  }

  /* Of a recorded run: it ends above its start, it rises at every fourth reading or more often, a tenth is left. */
  const rises = (losses) => losses.filter((loss, i) => i && loss > losses[i - 1]).length;

  function regimeOfRun(losses) {
    const [start, end] = [losses[0], losses.at(-1)];
    if (end > start) return "diverging";
    if (rises(losses) >= (losses.length - 1) / 4) return "oscillating";
    return end > start / 10 ? "too low" : "acceptable";
  }

  return { STEPS, REGIMES, weightsAfter, parts, quadraticLosses, shareLeft, regime, enough, rises, regimeOfRun };
})();
