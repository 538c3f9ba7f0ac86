import type { PieceOperation } from '../tensor/piece-operation.ts';
import { combineCrc32 } from '../torch/crc32-combine.ts';
import type { ElementJob, ElementResult, FileRange } from './element-job.ts';
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
      inputChecksums: sources.map(({ checksum }) => checksum !== null),
    });
  }
  return { tensor, columns, jobs };
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
