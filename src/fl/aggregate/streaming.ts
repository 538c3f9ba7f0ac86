import { writeAtomically } from '../../atomic-file.ts';
import { ArchivePlan } from '../torch/archive-plan.ts';
import type { ModelMetadata, ModelPlan } from '../torch/state-dict-plan.ts';
import type { AggregationOptions } from './aggregator.ts';
import type { FileRange } from './element-job.ts';
import type { JobPool } from './job-pool.ts';
import { ScratchFile } from './scratch-file.ts';
import {
  jobsOf,
  joinChecksums,
  type TensorFindings,
  type TensorJobs,
  type TensorTask,
} from './stream-jobs.ts';
import { type Column, type CommonTensor, commonTensors } from './tensor-columns.ts';

/** How the work is done; chosen by the composition root, the same for every rule. */
export interface StreamEnvironment {
  /** Threads for large inputs; below 2, everything runs in the calling thread. */
  readonly threads: number;
  /** Use the vector kernel; false leaves plain JavaScript. */
  readonly vectors: boolean;
  /**
   * 'verify' compares every input with its checksums while reading; 'trusted' is for files that were verified when
   * they arrived.
   */
  readonly checksums: 'verify' | 'trusted';
}

/** What every pass of one aggregation works with. */
export interface PassSurroundings {
  readonly outputPath: string;
  readonly environment: StreamEnvironment;
  readonly pool: JobPool;
  readonly options: AggregationOptions;
}

/** The columns of one pass, opened, with their tensors found. */
export class StreamPass {
  readonly columns: readonly Column[];
  readonly tensors: readonly CommonTensor[];
  readonly #pool: JobPool;
  readonly #options: AggregationOptions;
  readonly #scratch: ScratchFile;
  readonly #metadata: ModelMetadata | null;

  private constructor(
    columns: readonly Column[],
    tensors: readonly CommonTensor[],
    rest: {
      pool: JobPool;
      options: AggregationOptions;
      scratch: ScratchFile;
      metadata: ModelMetadata | null;
    },
  ) {
    this.columns = columns;
    this.tensors = tensors;
    this.#pool = rest.pool;
    this.#options = rest.options;
    this.#scratch = rest.scratch;
    this.#metadata = rest.metadata;
  }

  /** Find the columns' tensors. Scratch space is made beside the output. */
  static async open(
    columns: readonly Column[],
    lead: ModelPlan,
    rest: PassSurroundings,
  ): Promise<StreamPass> {
    const scratch = new ScratchFile(rest.outputPath);
    try {
      const verify = rest.environment.checksums === 'verify';
      const tensors = await commonTensors(columns, lead, { verify, scratch });
      return new StreamPass(columns, tensors, { ...rest, scratch, metadata: lead.metadata });
    } catch (error) {
      await scratch.close();
      throw error;
    }
  }

  /** Run one operation on each of some tensors, without output. */
  async inspect(taskFor: (tensor: CommonTensor) => TensorTask | null): Promise<TensorFindings[]> {
    const planned: TensorJobs[] = [];
    for (const tensor of this.tensors) {
      const task = taskFor(tensor);
      if (task !== null) planned.push(jobsOf(tensor, task, []));
    }
    return this.#run(planned);
  }

  /**
   * Combine every tensor into new checkpoints, one for each output path.
   *
   * Guarantees: `check` sees all findings before any output appears; when it throws, none does.
   */
  async combine(request: CombineRequest): Promise<void> {
    const { outputs } = request;
    const fill = async (descriptors: readonly number[]): Promise<void> => {
      if (descriptors.length < outputs.length) {
        const path = outputs[descriptors.length]?.path ?? '';
        await writeAtomically(path, (handle) => fill([...descriptors, handle.fd]));
        return;
      }
      await this.#combineInto(descriptors, request);
    };
    await fill([]);
  }

  async #combineInto(descriptors: readonly number[], request: CombineRequest): Promise<void> {
    const plans = request.outputs.map(
      ({ tensors }) => new ArchivePlan(tensors(this.tensors), this.#metadata),
    );
    const places = plans.map((plan) => new Map(plan.storages.map(({ name, offset }) => [name, offset])));
    const planned = this.tensors.map((tensor) => {
      const outputs: FileRange[] = [];
      for (const [index, place] of places.entries()) {
        const offset = place.get(tensor.name);
        const descriptor = descriptors[index];
        if (offset !== undefined && descriptor !== undefined) outputs.push({ descriptor, offset });
      }
      return jobsOf(tensor, request.taskFor(tensor), outputs);
    });
    const findings = await this.#run(planned);
    this.#pool.dismiss();
    await request.check(findings);
    for (const [index, plan] of plans.entries()) {
      const sums = new Map(
        findings.map((found) => [
          found.tensor.name,
          joinChecksums(found, ({ checksums }) => checksums[index]),
        ]),
      );
      const descriptor = descriptors[index];
      if (descriptor !== undefined)
        plan.writeFrame(
          descriptor,
          plan.storages.map(({ name }) => sums.get(name) ?? 0),
        );
    }
    for (const { checkpoint } of this.columns) checkpoint.source.assertUnchanged();
  }

  async #run(planned: readonly TensorJobs[]): Promise<TensorFindings[]> {
    const jobs = planned.flatMap((each) => each.jobs);
    const total = jobs.reduce((sum, job) => sum + job.bytes * job.inputs.length, 0);
    let done = 0;
    const { signal, onProgress } = this.#options;
    const results = await this.#pool.run(jobs, {
      signal,
      onBytes: (bytes) => {
        done += bytes;
        onProgress?.(done, total);
      },
    });
    let next = 0;
    return planned.map((each) => {
      const own = results.slice(next, next + each.jobs.length);
      next += each.jobs.length;
      return { ...each, results: own };
    });
  }

  async close(): Promise<void> {
    await this.#scratch.close();
  }
}

/** One output file: which tensors it holds. */
export interface StreamOutput {
  readonly path: string;
  readonly tensors: (all: readonly CommonTensor[]) => readonly CommonTensor[];
}

export interface CombineRequest {
  readonly outputs: readonly StreamOutput[];
  readonly taskFor: (tensor: CommonTensor) => TensorTask;
  /** Look at what was found, before anything is published; throw to give up. */
  readonly check: (findings: readonly TensorFindings[]) => Promise<void>;
}
