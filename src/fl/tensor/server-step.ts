import type { NumberCodec } from './number-codec.ts';
import type { ServerStep } from './piece-operation.ts';

/**
 * One step of a server optimiser on one piece; see ServerStep for the inputs' and outputs' order.
 *
 * Guarantees: computed in double; only the results are rounded to the type.
 */
export function serverStep(
  step: ServerStep,
  inputs: readonly Float64Array[],
  codec: NumberCodec,
): Float64Array[] {
  const count = step.weights.length;
  const length = inputs[count]?.length ?? 0;
  const previous = inputs[count] ?? new Float64Array(length);
  const first = inputs[count + 1] ?? new Float64Array(length);
  const second = inputs[count + 2] ?? new Float64Array(length).fill(step.tau ** 2);
  const delta = meanStep(inputs.slice(0, count), step.weights, previous);
  // FedAvgM keeps a decaying sum of the steps; the adaptive rules a running mean.
  const share = step.rule === 'avgm' ? 1 : 1 - step.beta1;
  const momentum = delta.map((value, index) => step.beta1 * (first[index] ?? 0) + share * value);
  if (step.rule === 'avgm') {
    const next = previous.map((value, index) => value + step.learningRate * (momentum[index] ?? 0));
    return [next.map(codec.round), momentum.map(codec.round)];
  }
  const variance = delta.map((value, index) => secondMoment(step, second[index] ?? 0, value));
  const next = previous.map((value, index) => {
    const divisor = Math.sqrt(variance[index] ?? 0) + step.tau;
    return value + (step.learningRate * (momentum[index] ?? 0)) / divisor;
  });
  return [next.map(codec.round), momentum.map(codec.round), variance.map(codec.round)];
}

/** How far the updates went from the previous aggregate, on weighted average. */
function meanStep(
  updates: readonly Float64Array[],
  weights: readonly number[],
  previous: Float64Array,
): Float64Array {
  const delta = new Float64Array(previous.length);
  for (const [position, update] of updates.entries()) {
    const weight = weights[position] ?? 0;
    for (let index = 0; index < delta.length; index += 1)
      delta[index] = (delta[index] ?? 0) + weight * ((update[index] ?? 0) - (previous[index] ?? 0));
  }
  return delta;
}

function secondMoment(step: ServerStep, old: number, delta: number): number {
  const square = delta * delta;
  if (step.rule === 'adagrad') return old + square;
  if (step.rule === 'adam') return step.beta2 * old + (1 - step.beta2) * square;
  return old - (1 - step.beta2) * square * Math.sign(old - square);
}
