import { unreachable } from '../../invariant.ts';
import { int64View, type NumberCodec, type NumberDtype, numberCodec, partDtype } from './number-codec.ts';
import { type PieceFindings, type PieceOperation, pairIndex } from './piece-operation.ts';
import { serverStep } from './server-step.ts';
import type { Dtype } from './tensor.ts';

/** One piece to be worked on. Shapes: every input and output has the same number of bytes. */
export interface Piece {
  readonly dtype: Dtype;
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

/** Works on pieces; an implementation may keep scratch memory between calls. */
export interface PieceMath {
  run(operation: PieceOperation, piece: Piece, findings: PieceFindings): void;
}

/**
 * Plain JavaScript for every element type: the oracle of the vector kernel, and the only path for types that the
 * kernel does not know.
 */
export class ScalarMath implements PieceMath {
  readonly #codecs = new Map<NumberDtype, NumberCodec>();

  run(operation: PieceOperation, piece: Piece, findings: PieceFindings): void {
    const dtype = partDtype(piece.dtype);
    if (dtype === 'int64') runInt64(operation, piece);
    else runNumbers(operation, piece, { codec: this.#codec(dtype), findings });
  }

  #codec(dtype: NumberDtype): NumberCodec {
    const known = this.#codecs.get(dtype) ?? numberCodec(dtype);
    this.#codecs.set(dtype, known);
    return known;
  }
}

interface NumberContext {
  readonly codec: NumberCodec;
  readonly findings: PieceFindings;
}

function runNumbers(operation: PieceOperation, piece: Piece, context: NumberContext): void {
  const { codec, findings } = context;
  const inputs = piece.inputs.map((bytes) => decoded(codec, bytes, piece.dtype));
  if (operation.kind === 'distances') {
    addDistances(inputs, operation.from === 'all' ? inputs.length : 1, findings);
    return;
  }
  if (operation.kind === 'finiteness') {
    noteNonFinite(inputs, findings);
    return;
  }
  // A trimmed mean would drop an infinity unseen.
  if (operation.kind === 'trimmed' && !inputs.every((input) => input.every(Number.isFinite)))
    findings.nonFinite = true;
  const results = resultsOf(operation, inputs, codec);
  for (const [index, result] of results.entries()) {
    if (codec.isFloat && !result.every(Number.isFinite)) findings.nonFinite = true;
    const output = piece.outputs[index];
    if (output !== undefined) codec.encode(result, output);
  }
}

function noteNonFinite(inputs: readonly Float64Array[], findings: PieceFindings): void {
  for (const [index, input] of inputs.entries())
    if (!input.every(Number.isFinite)) findings.nonFiniteInputs[index] = true;
}

function decoded(codec: NumberCodec, bytes: Uint8Array, dtype: Dtype): Float64Array {
  const values = new Float64Array(bytes.byteLength / partBytes(dtype));
  codec.decode(bytes, values);
  return values;
}

function partBytes(dtype: Dtype): number {
  if (dtype === 'complex64' || dtype === 'float32' || dtype === 'int32') return 4;
  if (dtype === 'complex128' || dtype === 'float64' || dtype === 'int64') return 8;
  return dtype === 'float16' || dtype === 'bfloat16' || dtype === 'int16' ? 2 : 1;
}

type Output = Exclude<PieceOperation, { kind: 'distances' | 'finiteness' }>;

function resultsOf(operation: Output, inputs: readonly Float64Array[], codec: NumberCodec): Float64Array[] {
  switch (operation.kind) {
    case 'mean':
      return [codec.isFloat ? meanOfFloats(inputs, codec) : meanOfIntegers(inputs, codec)];
    case 'weighted':
      return [
        codec.isFloat
          ? weightedFloats(inputs, operation.weights, codec)
          : weightedIntegers(inputs, operation.weights, codec),
      ];
    case 'trimmed':
      return [trimmed(inputs, operation.drop, codec)];
    case 'server-step':
      return serverStep(operation, inputs, codec);
    default:
      return unreachable(operation);
  }
}

function meanOfFloats(inputs: readonly Float64Array[], codec: NumberCodec): Float64Array {
  const [first, ...others] = inputs;
  const sum = Float64Array.from(first ?? []);
  for (const input of others)
    for (let index = 0; index < sum.length; index += 1)
      sum[index] = codec.round((sum[index] ?? 0) + (input[index] ?? 0));
  return sum.map((value) => codec.round(value / inputs.length));
}

/** Exact sums, then floor: PyTorch's floor_divide, without its overflow. Truth values: 1 for at least half. */
function meanOfIntegers(inputs: readonly Float64Array[], codec: NumberCodec): Float64Array {
  const sum = new Float64Array(inputs[0]?.length ?? 0);
  for (const input of inputs)
    for (let index = 0; index < sum.length; index += 1) sum[index] = (sum[index] ?? 0) + (input[index] ?? 0);
  return sum.map((value) => divided(value, inputs.length, codec));
}

function divided(sum: number, count: number, codec: NumberCodec): number {
  if (codec.isFloat) return codec.round(sum / count);
  return codec.max === 1 ? Number(2 * sum >= count) : Math.floor(sum / count);
}

function weightedFloats(
  inputs: readonly Float64Array[],
  weights: readonly number[],
  codec: NumberCodec,
): Float64Array {
  const sum = new Float64Array(inputs[0]?.length ?? 0);
  for (const [position, input] of inputs.entries()) {
    const weight = codec.round(weights[position] ?? 0);
    for (let index = 0; index < sum.length; index += 1) {
      const product = codec.round((input[index] ?? 0) * weight);
      // The first product is taken as it is: adding it to 0 would lose a negative zero.
      sum[index] = position === 0 ? product : codec.round((sum[index] ?? 0) + product);
    }
  }
  return sum;
}

function weightedIntegers(
  inputs: readonly Float64Array[],
  weights: readonly number[],
  codec: NumberCodec,
): Float64Array {
  const sum = new Float64Array(inputs[0]?.length ?? 0);
  for (const [position, input] of inputs.entries()) {
    const weight = weights[position] ?? 0;
    for (let index = 0; index < sum.length; index += 1)
      sum[index] = (sum[index] ?? 0) + (input[index] ?? 0) * weight;
  }
  return sum.map((value) => Math.min(codec.max, Math.max(codec.min, Math.round(value))));
}

function trimmed(inputs: readonly Float64Array[], drop: number, codec: NumberCodec): Float64Array {
  const length = inputs[0]?.length ?? 0;
  const column = new Float64Array(inputs.length);
  const result = new Float64Array(length);
  const kept = inputs.length - 2 * drop;
  for (let index = 0; index < length; index += 1) {
    for (const [position, input] of inputs.entries()) column[position] = input[index] ?? 0;
    column.sort();
    let sum = column[drop] ?? 0;
    for (let position = drop + 1; position < drop + kept; position += 1)
      sum = codec.round(sum + (column[position] ?? 0));
    result[index] = divided(sum, kept, codec);
  }
  return result;
}

function addDistances(inputs: readonly Float64Array[], rows: number, findings: PieceFindings): void {
  for (const [i, left] of inputs.slice(0, rows).entries())
    for (let j = i + 1; j < inputs.length; j += 1) {
      const right = inputs[j] ?? left;
      let sum = 0;
      for (let index = 0; index < left.length; index += 1)
        sum += ((left[index] ?? 0) - (right[index] ?? 0)) ** 2;
      const place = pairIndex(i, j, inputs.length);
      findings.distances[place] = (findings.distances[place] ?? 0) + sum;
    }
}

/** int64 does not fit a number: sums are exact in BigInt; weighted ones go through numbers where values differ. */
function runInt64(operation: PieceOperation, piece: Piece): void {
  const inputs = piece.inputs.map(int64View);
  const [output] = piece.outputs.map(int64View);
  if (output === undefined || operation.kind === 'server-step') return;
  const column = new BigInt64Array(inputs.length);
  for (let index = 0; index < output.length; index += 1) {
    for (const [position, input] of inputs.entries()) column[position] = input[index] ?? 0n;
    output[index] = combineInt64(operation, column);
  }
}

function combineInt64(operation: PieceOperation, column: BigInt64Array): bigint {
  if (operation.kind === 'weighted') return weightedInt64(column, operation.weights);
  const drop = operation.kind === 'trimmed' ? operation.drop : 0;
  const kept = drop === 0 ? column : column.sort().subarray(drop, column.length - drop);
  return floorDivide(
    kept.reduce((sum, value) => sum + value, 0n),
    BigInt(kept.length),
  );
}

function weightedInt64(column: BigInt64Array, weights: readonly number[]): bigint {
  const [first] = column;
  if (first === undefined || column.every((value) => value === first)) return first ?? 0n;
  const sum = column.reduce((total, value, index) => total + Number(value) * (weights[index] ?? 0), 0);
  return BigInt.asIntN(64, BigInt(Math.round(sum)));
}

/** Division that rounds towards minus infinity, as PyTorch's floor_divide. Units: `divisor` > 0. */
export function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value % divisor < 0n ? quotient - 1n : quotient;
}
