import type { Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { ConfigError } from '../../../errors.ts';
import type { Random } from '../../../random.ts';
import { elementCount, type StateDict, type Tensor } from '../../tensor/tensor.ts';
import { CLASSES, PIXELS } from './digits.ts';

/** Units of each of the two hidden layers. */
const HIDDEN = 200;

/** The layers with PyTorch's names. Shapes: weight [outputs, inputs], bias [outputs]. */
const LAYERS = [
  { name: 'fc1', inputs: PIXELS, outputs: HIDDEN },
  { name: 'fc2', inputs: HIDDEN, outputs: HIDDEN },
  { name: 'fc3', inputs: HIDDEN, outputs: CLASSES },
] as const;

/** A layer's parameters while training. Shapes: `kernel` [inputs, outputs], `bias` [1, outputs]. */
type Layer = { kernel: Tensor2D; bias: Tensor2D };

/** What one step of training saw. */
export interface BatchResult {
  /** Mean cross entropy over the batch, before the step. */
  readonly loss: number;
  /** Digits of the batch that were told right, before the step. */
  readonly correct: number;
}

function floatsOf(state: StateDict, name: string, shape: readonly number[]): Float32Array {
  const tensor = state.get(name);
  const found = tensor === undefined ? 'nothing' : `${tensor.dtype} [${tensor.shape.join(', ')}]`;
  const expected = `float32 [${shape.join(', ')}]`;
  if (tensor === undefined || found !== expected)
    throw new ConfigError({
      code: 'model-mismatch',
      message: `the start model does not fit the built-in 784-200-200-10 network: ${name} is ${found}, not ${expected}`,
      data: { name, expected, found },
    });
  // A copy, because a view of floats must begin at a multiple of four bytes.
  return new Float32Array(tensor.bytes.slice().buffer, 0, elementCount(shape));
}

function tensorOf(shape: readonly number[], values: Float32Array): Tensor {
  return {
    dtype: 'float32',
    shape,
    bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  };
}

/**
 * PyTorch's own start values for linear layers: uniform within 1 / sqrt(inputs) of zero.
 *
 * Guarantees: the same random sequence gives the same model at every site.
 */
export function freshStateDict(random: Random): StateDict {
  const state = new Map<string, Tensor>();
  for (const { name, inputs, outputs } of LAYERS) {
    const bound = 1 / Math.sqrt(inputs);
    const draw = (count: number) =>
      Float32Array.from({ length: count }, () => (2 * random.next() - 1) * bound);
    state.set(`${name}.weight`, tensorOf([outputs, inputs], draw(outputs * inputs)));
    state.set(`${name}.bias`, tensorOf([outputs], draw(outputs)));
  }
  return state;
}

/**
 * The multilayer perceptron 784-200-200-10 with rectified linear units, softmax and cross entropy ("2NN").
 *
 * The backward pass is written out: the gradient registry of TensorFlow.js is a module-wide state, and the kernels
 * needed are few. Kernels are kept [inputs, outputs] and transposes are explicit, because the WASM backend's fast
 * matrix product takes untransposed operands only.
 * Source: H. B. McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized Data", §3.
 */
export class TwoLayerNetwork {
  #layers: readonly Layer[];

  private constructor(layers: readonly Layer[]) {
    this.#layers = layers;
  }

  /** Errors: ConfigError 'model-mismatch' when names, dtypes or shapes are not this network's. */
  static fromStateDict(state: StateDict): TwoLayerNetwork {
    const known = new Set(LAYERS.flatMap(({ name }) => [`${name}.weight`, `${name}.bias`]));
    const strange = [...state.keys()].find((name) => !known.has(name));
    if (strange !== undefined)
      throw new ConfigError({
        code: 'model-mismatch',
        message: `the start model does not fit the built-in 784-200-200-10 network: it has a tensor "${strange}"`,
        data: { name: strange },
      });
    const values = LAYERS.map(({ name, inputs, outputs }) => ({
      weight: floatsOf(state, `${name}.weight`, [outputs, inputs]),
      bias: floatsOf(state, `${name}.bias`, [outputs]),
    }));
    const layers = values.map(({ weight, bias }, index) => {
      const { inputs, outputs } = LAYERS[index] ?? { inputs: 0, outputs: 0 };
      return tf.tidy(() => ({
        kernel: tf.transpose(tf.tensor2d(weight, [outputs, inputs])),
        bias: tf.tensor2d(bias, [1, outputs]),
      }));
    });
    return new TwoLayerNetwork(layers);
  }

  async stateDict(): Promise<StateDict> {
    const state = new Map<string, Tensor>();
    for (const [index, { name, inputs, outputs }] of LAYERS.entries()) {
      const layer = this.#layer(index);
      const weight = tf.transpose(layer.kernel);
      state.set(`${name}.weight`, tensorOf([outputs, inputs], Float32Array.from(await weight.data())));
      state.set(`${name}.bias`, tensorOf([outputs], Float32Array.from(await layer.bias.data())));
      weight.dispose();
    }
    return state;
  }

  /** One step of stochastic gradient descent. Shapes: `pixels` [labels.length, 784], normalised. */
  async step(pixels: Float32Array, labels: Uint8Array, learningRate: number): Promise<BatchResult> {
    const before = this.#layers;
    const { layers, probabilities } = tf.tidy(() => this.#descend(pixels, labels, learningRate));
    this.#layers = layers;
    for (const layer of before) disposeLayer(layer);
    return summarise(probabilities, labels);
  }

  /** How well the network tells these digits. Shapes: as `step`. */
  async judge(pixels: Float32Array, labels: Uint8Array): Promise<BatchResult> {
    const probabilities: Tensor2D = tf.tidy(() => {
      const { logits } = this.#forward(tf.tensor2d(pixels, [labels.length, PIXELS]));
      return tf.softmax(logits);
    });
    return summarise(probabilities, labels);
  }

  dispose(): void {
    for (const layer of this.#layers) disposeLayer(layer);
  }

  #layer(index: number): Layer {
    const layer = this.#layers[index];
    if (layer === undefined) throw new RangeError(`no layer ${index}`);
    return layer;
  }

  #forward(input: Tensor2D) {
    const linear = (index: number, values: Tensor2D): Tensor2D => {
      const { kernel, bias } = this.#layer(index);
      return tf.add(tf.matMul(values, kernel), bias);
    };
    const before1 = linear(0, input);
    const hidden1 = tf.relu(before1);
    const before2 = linear(1, hidden1);
    const hidden2 = tf.relu(before2);
    return { before1, hidden1, before2, hidden2, logits: linear(2, hidden2) };
  }

  #descend(pixels: Float32Array, labels: Uint8Array, learningRate: number) {
    const input = tf.tensor2d(pixels, [labels.length, PIXELS]);
    const { before1, hidden1, before2, hidden2, logits } = this.#forward(input);
    const probabilities: Tensor2D = tf.softmax(logits);
    // The derivative of the mean cross entropy after a softmax is (probability - truth) / batch.
    const error3: Tensor2D = tf.div(tf.sub(probabilities, truthOf(labels)), labels.length);
    const error2 = this.#errorBelow(2, error3, before2);
    const error1 = this.#errorBelow(1, error2, before1);
    const layers = [
      this.#moved(0, input, error1, learningRate),
      this.#moved(1, hidden1, error2, learningRate),
      this.#moved(2, hidden2, error3, learningRate),
    ];
    return { layers, probabilities };
  }

  #errorBelow(index: number, error: Tensor2D, before: Tensor2D): Tensor2D {
    return tf.mul(tf.matMul(error, tf.transpose(this.#layer(index).kernel)), tf.step(before));
  }

  #moved(index: number, input: Tensor2D, error: Tensor2D, learningRate: number): Layer {
    const { kernel, bias } = this.#layer(index);
    const kernelGradient = tf.matMul(tf.transpose(input), error) as Tensor2D;
    const biasGradient = tf.sum(error, 0, true) as Tensor2D;
    return {
      kernel: tf.sub(kernel, tf.mul(kernelGradient, learningRate)),
      bias: tf.sub(bias, tf.mul(biasGradient, learningRate)),
    };
  }
}

function truthOf(labels: Uint8Array): Tensor2D {
  const truth = new Float32Array(labels.length * CLASSES);
  for (const [row, label] of labels.entries()) truth[row * CLASSES + label] = 1;
  return tf.tensor2d(truth, [labels.length, CLASSES]);
}

/** Smallest probability that enters a logarithm; keeps one hopeless digit from making the loss infinite. */
const PROBABILITY_MIN = 1e-12;

/** Loss and hits of a batch; a probability that is not a number makes the loss not a number. */
async function summarise(probabilities: Tensor2D, labels: Uint8Array): Promise<BatchResult> {
  const values = await probabilities.data();
  probabilities.dispose();
  let loss = 0;
  let correct = 0;
  for (const [row, label] of labels.entries()) {
    const scores = values.subarray(row * CLASSES, (row + 1) * CLASSES);
    const score = scores[label] ?? Number.NaN;
    loss -= Math.log(score < PROBABILITY_MIN ? PROBABILITY_MIN : score);
    if (scores.every((other, digit) => digit === label || other < score)) correct += 1;
  }
  return { loss: loss / labels.length, correct };
}

function disposeLayer({ kernel, bias }: Layer): void {
  kernel.dispose();
  bias.dispose();
}
