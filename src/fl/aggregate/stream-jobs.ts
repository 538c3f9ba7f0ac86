import { FOLD_DELAY_BYTES, FOLDED_MAX } from '../tensor/piece-arena.ts';
import type { PieceOperation } from '../tensor/piece-operation.ts';
import { combineCrc32, crc32OfZeros, linearCrc32, movedCrc32 } from '../torch/crc32-combine.ts';
import type { ChecksumWay, ElementJob, ElementResult, FileRange } from './element-job.ts';
import type { ColumnSource, CommonTensor } from './tensor-columns.ts';

/** Length of the stretches that threads share out. Units: bytes; a multiple of every element's size. */
const SEGMENT_BYTES = 4 * 1024 * 1024;

/** What is done to one tensor, with which columns, in this order. */
export interface TensorTask {
  readonly operation: PieceOperation;
  /** Default: all of them. */
  readonly columns?: readonly number[];
}

/** The jobs of one tensor. */
export interface TensorJobs {
  readonly tensor: CommonTensor;
  /** The column of each of the jobs' inputs. */
  readonly columns: readonly number[];
  readonly jobs: readonly ElementJob[];
}

/** Cut a tensor's work into jobs. `outputs`: where the tensor starts in each output file. */
export function jobsOf(tensor: CommonTensor, task: TensorTask, outputs: readonly FileRange[]): TensorJobs {
  const columns: number[] = [];
  const sources: ColumnSource[] = [];
  for (const column of task.columns ?? tensor.sources.keys()) {
    const source = tensor.sources[column];
    if (source === undefined || source === null) continue;
    columns.push(column);
    sources.push(source);
  }
  const inputChecksums = checksumWays(sources);
  const jobs: ElementJob[] = [];
  const bytesAll = sources.length === 0 ? 0 : tensor.bytes;
  for (let start = 0; start < bytesAll; start += SEGMENT_BYTES) {
    const shifted = ({ descriptor, offset }: FileRange) => ({ descriptor, offset: offset + start });
    jobs.push({
      operation: task.operation,
      dtype: tensor.dtype,
      bytes: Math.min(SEGMENT_BYTES, bytesAll - start),
      inputs: sources.map(shifted),
      outputs: outputs.map(shifted),
      inputChecksums,
    });
  }
  return { tensor, columns, jobs };
}

/**
 * How the inputs' checksums are compared: together, which takes the time of one, as far as that finds the same faults.
 *
 * Guarantees: one damaged input is found as surely as by its own checksum; several are unless their damage is equal bit
 * by bit and as far apart as the inputs are delayed. Inputs with equal checksums are likely one content, and may have been
 * copied with their damage: only one of them goes with the others.
 */
function checksumWays(sources: readonly Pick<ColumnSource, 'checksum'>[]): readonly ChecksumWay[] {
  const seen = new Set<number>();
  const ways = sources.map(({ checksum }): ChecksumWay => {
    if (checksum === null) return 'none';
    if (seen.has(checksum) || seen.size === FOLDED_MAX) return 'alone';
    seen.add(checksum);
    return 'together';
  });
  return seen.size > 1 ? ways : ways.map((way) => (way === 'together' ? 'alone' : way));
}

/** The jobs of one tensor with what they found. */
export interface TensorFindings extends TensorJobs {
  readonly results: readonly ElementResult[];
}

/** Join the checksums of a tensor's stretches. */
export function joinChecksums(
  { jobs, results }: TensorFindings,
  pick: (result: ElementResult) => number | undefined,
): number {
  const [first, ...others] = results;
  if (first === undefined) return 0;
  return others.reduce(
    (sum, result, index) => combineCrc32(sum, pick(result) ?? 0, jobs[index + 1]?.bytes ?? 0),
    pick(first) ?? 0,
  );
}

/** Whether inputs whose checksums were taken together have what they should have; true where there are none. */
export function agreesTogether({ tensor, columns, jobs, results }: TensorFindings): boolean {
  const together = columns.filter((_column, position) => jobs[0]?.inputChecksums[position] === 'together');
  if (together.length === 0) return true;
  const restBytes = FOLD_DELAY_BYTES * (together.length - 1);
  const zeros = crc32OfZeros(tensor.bytes);
  let expected = 0;
  for (const column of together) {
    const own = (tensor.sources[column]?.checksum ?? 0) ^ zeros;
    expected = movedCrc32(expected, FOLD_DELAY_BYTES) ^ own;
  }
  let actual = 0;
  let leftBytes = tensor.bytes;
  for (const [index, { foldedChecksum }] of results.entries()) {
    const bytes = jobs[index]?.bytes ?? 0;
    leftBytes -= bytes;
    actual ^= movedCrc32(linearCrc32(foldedChecksum, bytes + restBytes), leftBytes);
  }
  return actual >>> 0 === expected >>> 0;
}
