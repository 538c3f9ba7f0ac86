import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AggregationInput, AggregationOptions } from '../../../../src/fl/aggregate/aggregator.ts';
import {
  type AggregatorDependencies,
  createAggregator,
} from '../../../../src/fl/aggregate/create-aggregator.ts';
import type { StateDict, Tensor } from '../../../../src/fl/tensor/tensor.ts';
import { readStateDict, writeStateDict } from '../../../../src/fl/torch/state-dict-file.ts';
import { participantId } from '../../../../src/ids.ts';
import { silentLogger } from '../../../../src/logger.ts';

export function float32(...values: readonly number[]): Tensor {
  return {
    dtype: 'float32',
    shape: [values.length],
    bytes: new Uint8Array(Float32Array.from(values).buffer),
  };
}

export function int64(...values: readonly bigint[]): Tensor {
  return { dtype: 'int64', shape: [values.length], bytes: new Uint8Array(BigInt64Array.from(values).buffer) };
}

export function numbersOf(tensor: Tensor | undefined): number[] {
  const bytes = Uint8Array.from(tensor?.bytes ?? []);
  return tensor?.dtype === 'int64'
    ? [...new BigInt64Array(bytes.buffer)].map(Number)
    : [...new Float32Array(bytes.buffer)];
}

/** Participants of a round in a folder of their own. */
export class Federation {
  readonly folder = mkdtempSync(join(tmpdir(), 'mila-round-'));
  readonly inputs: AggregationInput[] = [];
  readonly output = join(this.folder, 'server.agg');

  async join(name: string, model: StateDict, samples: number | null = null): Promise<string> {
    const path = join(this.folder, `${name}.pt`);
    await writeStateDict(path, model);
    this.inputs.push({ participant: participantId(name), path, samples });
    return path;
  }

  /** Participants a, b, c, ... with one parameter "w" each. */
  async joinAll(rows: readonly (readonly number[])[]): Promise<void> {
    for (const [index, row] of rows.entries())
      await this.join(String.fromCharCode(97 + index), new Map([['w', float32(...row)]]));
  }

  async aggregate(
    type: string,
    options: Readonly<Record<string, unknown>> = {},
    given: AggregationOptions = {},
    dependencies: Partial<AggregatorDependencies> = {},
  ) {
    mkdirSync(join(this.folder, 'state'), { recursive: true });
    const aggregator = await createAggregator(type, options, {
      logger: silentLogger,
      statePath: join(this.folder, 'state', 'optimizer'),
      ...dependencies,
    });
    const report = await aggregator.aggregate(this.inputs, this.output, given);
    const model = await readStateDict(this.output);
    return { report, model, w: numbersOf(model.get('w')) };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
