import { z } from 'zod';
import { ConfigError } from '../../../errors.ts';
import { boundedLines, faultText } from '../../../issue-words.ts';
import { withPlainNumbers } from '../../config/written-numbers.ts';
import type { TaskConfiguration } from '../executor.ts';

/** How the training digits are divided; the same in every client's configuration, or the parts overlap. */
const partitionSchema = z.object({
  clients: z.int().min(1).max(1000),
  /** "uniform" gives everybody the same mixture of digits. */
  by: z.enum(['label', 'uniform']).default('label'),
  /** Of each label, the share that goes to its owners; the rest is dealt to everybody. */
  skew: z.number().min(0).max(1).default(0.8),
  /** Digits given out in all. */
  samples: z.int().min(1).max(60_000).default(60_000),
  seed: z.int().min(0).default(1),
});

const configurationSchema = z.object({
  dataset: z.literal('mnist').default('mnist'),
  partition: partitionSchema.prefault({ clients: 1, by: 'uniform' }),
  /** Which part is this client's. Beside `partition` and not in it: overwrites replace whole keys. */
  partition_index: z.int().min(0).default(0),
  epochs: z.int().min(1).max(10_000).default(1),
  batch_size: z.int().min(1).max(10_000).default(32),
  learning_rate: z.number().positive().max(100).default(0.05),
  /** Of the start weights when there is no start model, and of the order of the digits. */
  seed: z.int().min(0).default(1),
});

/** What the built-in trainer reads of a task's configuration; other keys belong to others. */
export type MnistConfiguration = z.infer<typeof configurationSchema>;

/** Take the built-in trainer's keys from a task's configuration. Errors: ConfigError 'task-configuration'. */
export function parseMnistConfiguration(configuration: TaskConfiguration, path?: string): MnistConfiguration {
  const where = path ?? 'the task configuration';
  const parsed = configurationSchema.safeParse(withPlainNumbers(configuration));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => faultText(issue, configuration));
    throw new ConfigError({
      code: 'task-configuration',
      message: `${where} cannot be trained:\n${boundedLines(problems)
        .map((problem) => `  - ${problem}`)
        .join('\n')}`,
      data: { path, problems },
    });
  }
  const { partition, partition_index: index } = parsed.data;
  if (index >= partition.clients)
    throw new ConfigError({
      code: 'task-configuration',
      message: `${where}: partition_index is ${index}, but partition.clients is ${partition.clients}`,
      hint: `Give each client its own "partition_index" from 0 to ${partition.clients - 1} in its model_overwrites.`,
      data: { path, index, clients: partition.clients },
    });
  return parsed.data;
}
