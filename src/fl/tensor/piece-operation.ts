/** What is done with one piece: the same elements of every input, in order. Plain data: it crosses threads. */
export type PieceOperation =
  /** Sum in input order, then division by the count. Integers: floor. Truth values: at least half. */
  | { readonly kind: 'mean' }
  /** Sum of products in input order; each product and sum rounded to the type. Integers: nearest. */
  | { readonly kind: 'weighted'; readonly weights: readonly number[] }
  /** Sort each element's values, drop `drop` from both ends, mean of the rest. */
  | { readonly kind: 'trimmed'; readonly drop: number }
  /** No output: squared Euclidean distance of every two inputs, or of the first to each other one. */
  | { readonly kind: 'distances'; readonly from: 'all' | 'first' }
  /** No output: which inputs hold something infinite or not a number. */
  | { readonly kind: 'finiteness' }
  | ServerStep;

/**
 * One step of a server optimiser.
 *
 * Shapes: inputs are the updates, the previous aggregate, then the moments (in the first step there are none: 0, and tau squared); outputs are the next
 * aggregate, the first moment and, but for 'avgm', the second.
 * Source: Reddi et al. 2021, arXiv:2003.00295, Algorithm 2; 'avgm': Hsu et al. 2019, arXiv:1909.06335.
 */
export interface ServerStep {
  readonly kind: 'server-step';
  /** One for each update; they sum to 1. */
  readonly weights: readonly number[];
  readonly rule: 'avgm' | 'adagrad' | 'adam' | 'yogi';
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly tau: number;
}

/** What a piece gave besides its output. */
export interface PieceFindings {
  /** True when a result is infinite or not a number. */
  nonFinite: boolean;
  /** For 'finiteness': one flag per input. */
  readonly nonFiniteInputs: boolean[];
  /** For 'distances': sums for each pair i < j, row by row; only the first row when measured from the first. */
  readonly distances: Float64Array;
}

/** Place of pair (i, j), i < j, in `distances`. */
export function pairIndex(i: number, j: number, count: number): number {
  return i * count - (i * (i + 1)) / 2 + (j - i - 1);
}

export function newFindings(operation: PieceOperation, inputs: number): PieceFindings {
  const pairs =
    operation.kind !== 'distances' ? 0 : (operation.from === 'all' ? inputs / 2 : 1) * (inputs - 1);
  const flags = operation.kind === 'finiteness' ? inputs : 0;
  return {
    nonFinite: false,
    nonFiniteInputs: new Array<boolean>(flags).fill(false),
    distances: new Float64Array(pairs),
  };
}
