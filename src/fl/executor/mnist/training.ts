import { RoundError } from '../../../errors.ts';
import { type Random, shuffledIndices } from '../../../random.ts';
import type { Metrics } from '../executor.ts';
import { type DigitSet, normalised, PIXELS } from './digits.ts';
import type { TwoLayerNetwork } from './network.ts';

/** How one participant trains in one round. */
export interface TrainingPlan {
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** The order of the digits. */
  readonly random: Random;
}

/** What training tells while it goes on. */
export interface TrainingHooks {
  /** Units: `fraction` from 0 to 1. */
  readonly onProgress: (fraction: number, metrics: Metrics) => void;
  /** Called between batches; throws to stop. */
  readonly pause: () => Promise<void>;
}

/** Progress is told about this often in a training, and at least every so many batches in a long one. */
const PROGRESS_STEPS = 50;
const PROGRESS_BATCHES_MAX = 50;
/** Digits that a forward pass takes at once when judging; bounds memory, changes no result. */
const JUDGE_BATCH = 1000;

interface Totals {
  samples: number;
  loss: number;
  correct: number;
}

const metricsOf = ({ samples, loss, correct }: Totals): Metrics => ({
  loss: loss / samples,
  accuracy: correct / samples,
});

function batchOf(digits: DigitSet, order: Uint32Array): { pixels: Float32Array; labels: Uint8Array } {
  const pixels = new Uint8Array(order.length * PIXELS);
  for (const [row, index] of order.entries())
    pixels.set(digits.pixels.subarray(index * PIXELS, (index + 1) * PIXELS), row * PIXELS);
  return {
    pixels: normalised(pixels),
    labels: Uint8Array.from(order, (index) => digits.labels[index] ?? 0),
  };
}

/**
 * Train a network on a participant's digits by stochastic gradient descent.
 *
 * Guarantees: the same network, digits and random sequence give the same result on the same machine.
 * Errors: RoundError 'training-failed' when there is nothing to train on or the loss is no longer finite.
 */
export async function train(
  network: TwoLayerNetwork,
  digits: DigitSet,
  plan: TrainingPlan,
  hooks: TrainingHooks,
): Promise<Metrics> {
  if (digits.count === 0)
    throw new RoundError({ code: 'training-failed', message: 'this participant has no digits to train on' });
  const batches = Math.ceil(digits.count / plan.batchSize);
  const tellEvery = Math.min(PROGRESS_BATCHES_MAX, Math.ceil((batches * plan.epochs) / PROGRESS_STEPS));
  let step = 0;
  let totals: Totals = { samples: 0, loss: 0, correct: 0 };
  for (let epoch = 0; epoch < plan.epochs; epoch += 1) {
    totals = { samples: 0, loss: 0, correct: 0 };
    const order = shuffledIndices(plan.random, digits.count);
    for (let start = 0; start < order.length; start += plan.batchSize) {
      await hooks.pause();
      const { pixels, labels } = batchOf(digits, order.subarray(start, start + plan.batchSize));
      const result = await network.step(pixels, labels, plan.learningRate);
      if (!Number.isFinite(result.loss))
        throw new RoundError({
          code: 'training-failed',
          message: `training diverged in epoch ${epoch + 1}: the loss is ${result.loss}`,
          hint: 'Lower "learning_rate" in the task configuration.',
          data: { epoch: epoch + 1, step },
        });
      totals.samples += labels.length;
      totals.loss += result.loss * labels.length;
      totals.correct += result.correct;
      step += 1;
      if (step % tellEvery === 0) hooks.onProgress(step / (batches * plan.epochs), metricsOf(totals));
    }
  }
  return metricsOf(totals);
}

/** Accuracy and loss of a network over digits that it was not trained on. */
export async function judge(
  network: TwoLayerNetwork,
  digits: DigitSet,
  pause: () => Promise<void>,
): Promise<Metrics> {
  const totals: Totals = { samples: 0, loss: 0, correct: 0 };
  for (let start = 0; start < digits.count; start += JUDGE_BATCH) {
    await pause();
    const end = Math.min(digits.count, start + JUDGE_BATCH);
    const labels = digits.labels.subarray(start, end);
    const result = await network.judge(
      normalised(digits.pixels.subarray(start * PIXELS, end * PIXELS)),
      labels,
    );
    totals.samples += labels.length;
    totals.loss += result.loss * labels.length;
    totals.correct += result.correct;
  }
  return metricsOf(totals);
}
