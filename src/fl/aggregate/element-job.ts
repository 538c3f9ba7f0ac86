import type { PieceOperation } from '../tensor/piece-operation.ts';
import type { Dtype } from '../tensor/tensor.ts';

/** A stretch of an open file. Units: bytes from the file's start. */
export interface FileRange {
  readonly descriptor: number;
  readonly offset: number;
}

/** Alone; together with others, of all their bytes combined (see PieceArena.fold); or not at all. */
export type ChecksumWay = 'alone' | 'together' | 'none';

/** The same stretch of every input, to be combined into the same stretch of the outputs. Crosses threads. */
export interface ElementJob {
  readonly operation: PieceOperation;
  readonly dtype: Dtype;
  /** Length of each stretch. Units: bytes. */
  readonly bytes: number;
  readonly inputs: readonly FileRange[];
  readonly outputs: readonly FileRange[];
  /** How each input's checksum is taken. */
  readonly inputChecksums: readonly ChecksumWay[];
}

/** What a finished job tells. */
export interface ElementResult {
  /** Checksum of each output stretch. */
  readonly checksums: readonly number[];
  /** Checksum of each input stretch that was taken alone; 0 for the others. */
  readonly inputChecksums: readonly number[];
  /** Checksum of the stretches taken together, with the delayed rest at its end; 0 where there are none. */
  readonly foldedChecksum: number;
  readonly nonFinite: boolean;
  readonly nonFiniteInputs: readonly boolean[];
  readonly distances: Float64Array;
}

/** Memory of one thread's inputs; with N inputs each gets its share. Units: bytes. */
const ARENA_BYTES = 3 * 1024 * 1024;
const PIECE_BYTES_MAX = 256 * 1024;
const PIECE_BYTES_MIN = 4 * 1024;

/** How much of each input is in memory at a time: less when there are many. */
export function pieceBytesFor(inputs: number): number {
  const share = Math.floor(ARENA_BYTES / (inputs + 1) / 4096) * 4096;
  return Math.min(PIECE_BYTES_MAX, Math.max(PIECE_BYTES_MIN, share));
}
