import { setImmediate as turnOfEvents } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { RoundError } from '../../../errors.ts';
import { invariant, unreachable } from '../../../invariant.ts';
import { seededRandom } from '../../../random.ts';
import { readStateDict, writeStateDict } from '../../torch/state-dict-file.ts';
import type { Metrics } from '../executor.ts';
import { mnistDirectory, readDigits, readLabels, readSomeDigits } from './digits.ts';
import { freshStateDict, TwoLayerNetwork } from './network.ts';
import { partitionIndices } from './partition.ts';
import { factsOf, STOP, type ThreadJob, type ThreadReport } from './thread-messages.ts';
import { judge, train } from './training.ts';
import { useWasmBackend } from './wasm-backend.ts';

/** Odd factors that keep the digit orders of rounds and participants apart. */
const ROUND_STRIDE = 1_000_003;
const CLIENT_STRIDE = 7_919;

interface Hooks {
  readonly pause: () => Promise<void>;
  readonly onProgress: (fraction: number, metrics: Metrics) => void;
}

async function runTraining(job: ThreadJob & { kind: 'train' }, hooks: Hooks): Promise<ThreadReport> {
  const { configuration, round } = job;
  const { partition, partition_index: client, seed } = configuration;
  const directory = mnistDirectory();
  const skew = partition.by === 'label' ? partition.skew : 0;
  const indices = partitionIndices(await readLabels(directory, 'train'), { ...partition, skew }, client);
  const digits = await readSomeDigits(directory, 'train', indices);
  // Every participant starts a first round from the same model: averaging models of different origin is worse.
  const start =
    job.startCheckpointPath === null
      ? freshStateDict(seededRandom(seed))
      : await readStateDict(job.startCheckpointPath);
  const network = TwoLayerNetwork.fromStateDict(start);
  const plan = {
    epochs: configuration.epochs,
    batchSize: configuration.batch_size,
    learningRate: configuration.learning_rate,
    random: seededRandom(seed + ROUND_STRIDE * round + CLIENT_STRIDE * client),
  };
  const metrics = await train(network, digits, plan, hooks);
  await writeStateDict(job.checkpointPath, await network.stateDict());
  return { kind: 'done', samples: digits.count, metrics };
}

async function runEvaluation(job: ThreadJob & { kind: 'evaluate' }, hooks: Hooks): Promise<ThreadReport> {
  const network = TwoLayerNetwork.fromStateDict(await readStateDict(job.checkpointPath));
  const digits = await readDigits(mnistDirectory(), 'test');
  return { kind: 'done', samples: digits.count, metrics: await judge(network, digits, hooks.pause) };
}

async function run(job: ThreadJob, hooks: Hooks): Promise<ThreadReport> {
  await useWasmBackend();
  switch (job.kind) {
    case 'train':
      return runTraining(job, hooks);
    case 'evaluate':
      return runEvaluation(job, hooks);
    default:
      return unreachable(job);
  }
}

invariant(parentPort !== null, 'this module is the entry of a training thread');
const port = parentPort;
let stopped = false;
port.on('message', (message) => {
  if (message === STOP) stopped = true;
});
const report = (message: ThreadReport) => port.postMessage(message);
const hooks: Hooks = {
  pause: async () => {
    // One turn of the event loop, so that a stop asked for meanwhile is heard.
    await turnOfEvents();
    if (stopped) throw new RoundError({ code: 'training-stopped', message: 'training was stopped' });
  },
  onProgress: (fraction, metrics) => report({ kind: 'progress', fraction, metrics }),
};
// The job was made by the executor in the same program, hence no parsing here.
const job = workerData as ThreadJob;
report(
  await run(job, hooks).catch((error: unknown): ThreadReport => ({ kind: 'failed', error: factsOf(error) })),
);
port.close();
