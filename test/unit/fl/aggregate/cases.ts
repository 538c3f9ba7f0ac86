import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AggregationInput } from '../../../../src/fl/aggregate/aggregator.ts';
import { participantId } from '../../../../src/ids.ts';

/** Aggregations that kMoL's own classes did on real PyTorch; see fixtures/checkpoints/README.md. */
export interface AggregateCase {
  readonly case: string;
  readonly note: string;
  readonly clients: readonly string[];
  readonly runs: readonly AggregateRun[];
}

export interface AggregateRun {
  readonly run: 'plain' | 'weighted' | 'benchmarked' | 'benchmarked_minimized';
  readonly weights?: Readonly<Record<string, number>>;
  readonly metrics?: Readonly<Record<string, readonly number[]>>;
  readonly minimized?: boolean;
  readonly expected_file?: string;
  readonly error?: string;
  readonly tensors?: readonly {
    readonly key: string;
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly sha256: string;
  }[];
}

const FOLDER = fileURLToPath(new URL('../../../../fixtures/checkpoints/aggregate/', import.meta.url));

export const CASES = JSON.parse(readFileSync(`${FOLDER}manifest.json`, 'utf8')) as readonly AggregateCase[];

export function pathIn(name: string, file: string): string {
  return `${FOLDER}${name}/${file}`;
}

export function inputsOf({ case: name, clients }: AggregateCase): AggregationInput[] {
  return clients.map((file) => ({
    participant: participantId(file.split('.')[0] ?? ''),
    path: pathIn(name, file),
    samples: null,
  }));
}

/** Type, options and evaluation of a run. */
export function configurationOf(run: AggregateRun) {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const type = run.run.startsWith('benchmarked') ? 'benchmarked' : run.run;
  const names = {
    plain: 'mila.aggregators.PlainTorchAggregator',
    weighted: 'mila.aggregators.WeightedTorchAggregator',
    benchmarked: 'mila.aggregators.BenchmarkedTorchAggregator',
  };
  const options = {
    ...(run.weights === undefined ? {} : { weights: run.weights }),
    ...(type === 'benchmarked'
      ? { target_metric: 'accuracy', minimized_metric: run.minimized ?? false }
      : {}),
  };
  return {
    type: names[type as keyof typeof names],
    options,
    evaluate: async (path: string) => ({ accuracy: mean(run.metrics?.[path.split('/').at(-1) ?? ''] ?? []) }),
  };
}
