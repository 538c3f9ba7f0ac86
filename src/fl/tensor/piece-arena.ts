import { partDtype } from './number-codec.ts';
import { type PieceFindings, type PieceOperation, pairIndex } from './piece-operation.ts';
import { ScalarMath } from './scalar-math.ts';
import { sortingNetwork } from './sorting-network.ts';
import type { Dtype } from './tensor.ts';
import { KERNEL_STEP_BYTES, newKernelMemory, type VectorKernel } from './vector-kernel.ts';

/** How far each input is behind the one before it where inputs are folded: equal damage at one place does not cancel. */
export const FOLD_DELAY_BYTES = 16;
/** The most inputs that can be folded. */
export const FOLDED_MAX = 32;
/** Room before and after each slot for what is delayed and for whole steps of the kernel. */
const GUARD_BYTES = 1024;

/** A piece of inputs that are folded. */
export interface FoldPiece {
  /** A multiple of the kernel's step, but for the last one. */
  readonly bytes: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

interface ArenaOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Largest piece of one input; a multiple of 64. */
  readonly pieceBytes: number;
  /** Use the vector kernel. Default true; false leaves the plain path, for machines and tests without it. */
  readonly vectors?: boolean;
}

/**
 * Room for one piece of every input and output, and the machinery to combine them.
 *
 * Guarantees: allocated once; a piece costs no allocation on the vector path. Both paths give the same bytes.
 */
export class PieceArena {
  readonly pieceBytes: number;
  readonly #inputs: number;
  readonly #outputs: number;
  readonly #buffer: ArrayBuffer;
  readonly #kernel: VectorKernel | null;
  readonly #scalar = new ScalarMath();
  readonly #table: number;
  readonly #weights: number;
  readonly #pairs: number;
  readonly #pairCount: number;
  readonly #slots: number;
  /** The last view of each slot: pieces of one length follow each other, and views are dear to make. */
  readonly #views: (Uint8Array | undefined)[] = [];

  constructor(options: ArenaOptions) {
    const { inputs, outputs, pieceBytes } = options;
    const network = sortingNetwork(inputs);
    this.pieceBytes = pieceBytes;
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#table = 0;
    this.#weights = align(inputs * 4);
    this.#pairs = this.#weights + align(inputs * 4);
    this.#pairCount = network.length;
    this.#slots = this.#pairs + align(network.length * 8);
    const { buffer, kernel } = newKernelMemory(
      this.#slots + (inputs + outputs + 1) * (pieceBytes + 2 * GUARD_BYTES),
    );
    this.#buffer = buffer;
    this.#kernel = options.vectors === false ? null : kernel;
    new Uint32Array(buffer, this.#pairs, network.length * 2).set(network.flat());
  }

  /** Where input `index` is put: its first `bytes` bytes. */
  input(index: number, bytes: number): Uint8Array {
    return this.#view(index, bytes);
  }

  /** Where output `index` is found: its first `bytes` bytes. */
  output(index: number, bytes: number): Uint8Array {
    return this.#view(this.#inputs + index, bytes);
  }

  #view(slot: number, bytes: number): Uint8Array {
    const last = this.#views[slot];
    if (last?.length === bytes) return last;
    const view = new Uint8Array(this.#buffer, this.#slot(slot), bytes);
    this.#views[slot] = view;
    return view;
  }

  /**
   * Combine some inputs by exclusive or, each delayed by FOLD_DELAY_BYTES against the one before it.
   *
   * Shapes: as many bytes as the piece has, with the last piece also the delayed rest of every input.
   * Guarantees: pieces one after the other give what the whole inputs would. Valid until the next call.
   */
  fold(inputs: readonly number[], piece: FoldPiece): Uint8Array {
    const restBytes = FOLD_DELAY_BYTES * (inputs.length - 1);
    const bytes = piece.bytes + (piece.isLast ? restBytes : 0);
    const place = this.#slot(this.#inputs + this.#outputs);
    const all = new Uint8Array(this.#buffer);
    for (const index of inputs) {
      const slot = this.#slot(index);
      if (piece.isFirst) all.fill(0, slot - GUARD_BYTES, slot);
      if (piece.isLast) all.fill(0, slot + piece.bytes, slot + piece.bytes + GUARD_BYTES);
    }
    this.#foldDelayed(inputs, place, align(bytes));
    // The operation may overwrite the inputs, and the next piece will: what is still delayed is kept before them.
    for (const index of piece.isLast ? [] : inputs) {
      const slot = this.#slot(index);
      all.copyWithin(slot - restBytes, slot + piece.bytes - restBytes, slot + piece.bytes);
    }
    return new Uint8Array(this.#buffer, place, bytes);
  }

  #foldDelayed(inputs: readonly number[], place: number, bytes: number): void {
    const starts = inputs.map((index, order) => this.#slot(index) - order * FOLD_DELAY_BYTES);
    if (this.#kernel !== null) {
      new Uint32Array(this.#buffer, this.#table, inputs.length).set(starts);
      this.#kernel.fold(this.#table, inputs.length, place, bytes);
      return;
    }
    const folded = new Int32Array(this.#buffer, place, bytes / 4).fill(0);
    for (const start of starts) {
      const input = new Int32Array(this.#buffer, start, bytes / 4);
      for (let at = 0; at < folded.length; at += 1) folded[at] = (folded[at] ?? 0) ^ (input[at] ?? 0);
    }
  }

  #slot(index: number): number {
    return this.#slots + GUARD_BYTES + index * (this.pieceBytes + 2 * GUARD_BYTES);
  }

  /** Combine the first `bytes` bytes of the first `count` inputs; inputs may be overwritten. */
  run(operation: PieceOperation, dtype: Dtype, size: PieceSize, findings: PieceFindings): void {
    if (partDtype(dtype) === 'float32' && this.#runVectors(operation, size, findings)) return;
    const inputs = Array.from({ length: size.inputs }, (_, index) => this.input(index, size.bytes));
    const outputs = Array.from({ length: size.outputs }, (_, index) => this.output(index, size.bytes));
    this.#scalar.run(operation, { dtype, inputs, outputs }, findings);
  }

  /** Returns false where there is no vector code for the operation. */
  #runVectors(operation: PieceOperation, size: PieceSize, findings: PieceFindings): boolean {
    const kernel = this.#kernel;
    if (kernel === null || operation.kind === 'server-step') return false;
    const bytes = align(size.bytes);
    this.#prepare(size, bytes);
    switch (operation.kind) {
      case 'mean':
        this.#noteResult(kernel.mean(this.#table, size.inputs, this.#output, bytes, size.inputs), findings);
        return true;
      case 'weighted':
        new Float32Array(this.#buffer, this.#weights, size.inputs).set(operation.weights);
        this.#noteResult(
          kernel.weighted(this.#table, this.#weights, size.inputs, this.#output, bytes),
          findings,
        );
        return true;
      case 'trimmed':
        return this.#trim(kernel, operation.drop, { ...size, bytes }, findings);
      case 'distances':
        this.#measure(kernel, operation.from === 'all' ? size.inputs : 1, { ...size, bytes }, findings);
        return true;
      case 'finiteness':
        for (let index = 0; index < size.inputs; index += 1)
          if (kernel.nonfinite(this.#slot(index), bytes) !== 0) findings.nonFiniteInputs[index] = true;
        return true;
    }
  }

  get #output(): number {
    return this.#slot(this.#inputs);
  }

  #noteResult(nonFinite: number, findings: PieceFindings): void {
    if (nonFinite !== 0) findings.nonFinite = true;
  }

  /** Fill the table of addresses; zero what follows the last elements, so that it harms nothing. */
  #prepare(size: PieceSize, bytes: number): void {
    const table = new Uint32Array(this.#buffer, this.#table, size.inputs);
    for (let index = 0; index < size.inputs; index += 1) {
      table[index] = this.#slot(index);
      if (bytes !== size.bytes) this.input(index, bytes).fill(0, size.bytes);
    }
  }

  #trim(kernel: VectorKernel, drop: number, size: PieceSize, findings: PieceFindings): boolean {
    // The network was built for all inputs; a smaller set is for the plain path.
    if (size.inputs !== this.#inputs) return false;
    // Infinities would be dropped unseen and a NaN would spread, so inputs are looked at, not the result.
    for (let index = 0; index < size.inputs; index += 1)
      if (kernel.nonfinite(this.#slot(index), size.bytes) !== 0) findings.nonFinite = true;
    kernel.sort(this.#table, this.#pairs, this.#pairCount, size.bytes);
    const kept = size.inputs - 2 * drop;
    this.#noteResult(kernel.mean(this.#table + 4 * drop, kept, this.#output, size.bytes, kept), findings);
    return true;
  }

  #measure(kernel: VectorKernel, rows: number, size: PieceSize, findings: PieceFindings): void {
    for (let i = 0; i < rows; i += 1)
      for (let j = i + 1; j < size.inputs; j += 1) {
        const place = pairIndex(i, j, size.inputs);
        const distance = kernel.distance(this.#slot(i), this.#slot(j), size.bytes);
        findings.distances[place] = (findings.distances[place] ?? 0) + distance;
      }
  }
}

/** How much of the arena a piece uses. */
export interface PieceSize {
  readonly inputs: number;
  readonly outputs: number;
  readonly bytes: number;
}

function align(bytes: number): number {
  return Math.ceil(bytes / KERNEL_STEP_BYTES) * KERNEL_STEP_BYTES;
}
