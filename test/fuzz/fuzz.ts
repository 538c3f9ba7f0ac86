import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diceFrom } from '../support/random-pickles.ts';
import type { FuzzTarget } from './target.ts';

/** What a run of one target came to. */
export interface FuzzReport {
  readonly inputs: number;
  readonly slowestMs: number;
  readonly grownMegabytes: number;
}

/** An input that was not held. */
export class FuzzFault extends Error {
  constructor(target: FuzzTarget, seed: number, what: string, cause?: unknown) {
    super(`${target.name}: ${what}; again with: npm run fuzz -- --target ${target.name} --seed ${seed}`, {
      cause,
    });
    this.name = 'FuzzFault';
  }
}

interface FuzzOptions {
  /** Of the first input; the next ones have the numbers after it. */
  readonly seed: number;
  /** How long to go on. Units: milliseconds. */
  readonly durationMs: number;
  /** Stop after so many inputs, if that is sooner. */
  readonly inputsMax?: number;
  /** Go on until so many were given, if that takes longer. */
  readonly inputsMin?: number;
}

/**
 * Give a target one input after the other, each from a seed of its own.
 *
 * Errors: FuzzFault naming the seed, for anything thrown, for time and for memory.
 */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  const { seed, durationMs, inputsMax = Number.POSITIVE_INFINITY, inputsMin = 0 } = options;
  const scratch = await mkdtemp(join(tmpdir(), 'mila-fuzz-'));
  const began = performance.now();
  const memory = process.memoryUsage.rss();
  let grown = 0;
  let slowestMs = 0;
  let inputs = 0;
  try {
    const isDue = () => performance.now() - began >= durationMs && inputs >= inputsMin;
    while (!isDue() && inputs < inputsMax) {
      const own = seed + inputs;
      const input = target.make(diceFrom(own));
      const startedAt = performance.now();
      try {
        await target.read(input, scratch);
      } catch (error) {
        throw new FuzzFault(target, own, `threw ${String(error)}`, error);
      }
      const tookMs = performance.now() - startedAt;
      slowestMs = Math.max(slowestMs, tookMs);
      if (tookMs > target.timeMaxMs) throw new FuzzFault(target, own, `took ${Math.round(tookMs)} ms`);
      grown = Math.max(grown, (process.memoryUsage.rss() - memory) / 1024 ** 2);
      if (grown > target.memoryMaxMegabytes)
        throw new FuzzFault(target, own, `memory grew by ${Math.round(grown)} MB`);
      inputs += 1;
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return { inputs, slowestMs, grownMegabytes: grown };
}
