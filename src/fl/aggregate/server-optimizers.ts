import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ConfigError, errnoOf } from '../../errors.ts';
import type { ServerStep } from '../tensor/piece-operation.ts';
import { Checkpoint } from '../torch/checkpoint-reader.ts';
import type { RuleContext, RuleDecision } from './aggregation.ts';
import { openPrevious } from './previous-aggregate.ts';
import type { StreamOutput } from './streaming.ts';
import type { Column, CommonTensor } from './tensor-columns.ts';
import { isParameter } from './tensor-roles.ts';
import { decideWeighted, sampleWeights } from './weights.ts';

export interface ServerOptimizerOptions {
  readonly rule: ServerStep['rule'];
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly tau: number;
  readonly buffers: readonly string[];
  /** Start of the state files' names. */
  readonly statePath: string;
}

/** The state after a round: `<statePath>.<round>.<moment>.pt`. */
const MOMENTS = ['first', 'second'] as const;
/** States of this many rounds are kept, so that a round can be aggregated again after a crash. */
const ROUNDS_KEPT = 2;

/**
 * A server optimiser: treats the step from the previous aggregate to the updates' mean as a gradient.
 *
 * Guarantees: acts on float parameters only; buffers such as BatchNorm's statistics are averaged. State is kept per
 * round and published before the aggregate, so aggregating a round twice gives the same bytes. Without a previous
 * aggregate (a first round without a start model) the result is the mean, and no state is made.
 * Source: Reddi et al. 2021, arXiv:2003.00295, Algorithm 2; Hsu et al. 2019, arXiv:1909.06335 (FedAvgM).
 */
export async function decideServerStep(
  context: RuleContext,
  configured: ServerOptimizerOptions,
): Promise<RuleDecision> {
  const { updates } = context;
  const options = { ...configured, statePath: context.options.statePath ?? configured.statePath };
  const { weights, notes } = sampleWeights(updates);
  const previous = await openPrevious(context);
  if (previous === undefined)
    return decideWeighted(weights, [...notes, 'no previous aggregate: this round is the plain mean']);
  const { round } = context.options;
  if (round === undefined)
    throw new ConfigError({
      code: 'no-round',
      message: 'a server optimiser needs to know which round this is',
    });
  await mkdir(dirname(options.statePath), { recursive: true });
  const rounds = await storedRounds(options);
  const last = rounds.filter((stored) => stored < round).at(-1);
  const state = last === undefined ? [] : await openState(context, options, last);
  const { rule, learningRate, beta1, beta2, tau } = options;
  const isTrained = ({ name, dtype }: CommonTensor) => isParameter(name, dtype, options.buffers);
  const ownColumns = [...updates.keys()];
  const extraOutputs: StreamOutput[] = momentsOf(rule).map((moment) => ({
    path: statePathOf(options, round, moment),
    tensors: (all) => all.filter((tensor) => isTrained(tensor) && tensor.tiedTo === undefined),
  }));
  await forget(options, rounds, round);
  return {
    weights,
    notes: [
      ...notes,
      last === undefined ? 'the optimiser starts' : `the optimiser goes on from round ${last}`,
    ],
    extra: [previous, ...state],
    extraOutputs,
    taskFor: (tensor) =>
      isTrained(tensor)
        ? { operation: { kind: 'server-step', rule, learningRate, beta1, beta2, tau, weights } }
        : { operation: { kind: 'weighted', weights }, columns: ownColumns },
  };
}

function momentsOf(rule: ServerStep['rule']): readonly string[] {
  return rule === 'avgm' ? MOMENTS.slice(0, 1) : MOMENTS;
}

function statePathOf({ statePath }: ServerOptimizerOptions, round: number, moment: string): string {
  return `${statePath}.${round}.${moment}.pt`;
}

/** Rounds of which the whole state is there, ascending. */
async function storedRounds(options: ServerOptimizerOptions): Promise<number[]> {
  const names = new Set(await readdir(dirname(options.statePath)));
  const start = `${basename(options.statePath)}.`;
  const rounds = new Set<number>();
  for (const name of names) {
    const match = name.startsWith(start) ? /^([0-9]+)\.first\.pt$/u.exec(name.slice(start.length)) : null;
    const round = Number(match?.[1] ?? Number.NaN);
    const isWhole = momentsOf(options.rule).every((moment) =>
      names.has(basename(statePathOf(options, round, moment))),
    );
    if (Number.isSafeInteger(round) && isWhole) rounds.add(round);
  }
  return [...rounds].sort((a, b) => a - b);
}

async function openState(
  context: RuleContext,
  options: ServerOptimizerOptions,
  round: number,
): Promise<Column[]> {
  const columns: Column[] = [];
  for (const moment of momentsOf(options.rule)) {
    const checkpoint = await Checkpoint.open(statePathOf(options, round, moment));
    const column = { checkpoint, model: checkpoint.model() };
    context.adopt(column);
    columns.push(column);
  }
  return columns;
}

/** Remove states that no repetition of a round can need any more. */
async function forget(
  options: ServerOptimizerOptions,
  rounds: readonly number[],
  current: number,
): Promise<void> {
  for (const round of rounds.filter((stored) => stored < current).slice(0, -ROUNDS_KEPT))
    for (const moment of MOMENTS) {
      const name = basename(statePathOf(options, round, moment));
      await rm(join(dirname(options.statePath), name), { force: true }).catch((error: unknown) => {
        // A state that cannot be removed only takes room.
        if (errnoOf(error) === undefined) throw error;
      });
    }
}
