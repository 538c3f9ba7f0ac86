/**
 * What a federation costs at Box: calls in an hour of training, calls a round and client, how they grow with the number
 * of participants, bytes of a round. Every program is a process of its own, over the emulator.
 * Words: parts (hour, rounds, growth, bytes), [--minutes N] [--speed N] [--latency MS] [--rounds N] [--participants N,N]
 * [--apart S] [--beats S,S].
 * It runs the built programs: npm run build first.
 */
import { rm } from 'node:fs/promises';
import type { BenchContext } from './figure.ts';
import { measureBytes } from './traffic/bytes.ts';
import { measureGrowth } from './traffic/growth.ts';
import { measureHours } from './traffic/hour.ts';
import { measureRounds } from './traffic/rounds.ts';
import { closeAll } from './traffic/session.ts';
import { trafficWords } from './traffic/words.ts';

const INTERRUPTED = 130;
const MEASURES = { hour: measureHours, rounds: measureRounds, growth: measureGrowth, bytes: measureBytes };

/** What ends a benchmark from outside; the last: whoever runs it is gone. */
const ENDINGS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const;

/** Once it is told to stop, or left alone, nothing goes on without it. Returns that end, and what calls it off. */
function endWithAll(folder: string) {
  let ending: Promise<never> | undefined;
  const end = async (): Promise<never> => {
    await closeAll();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    process.exit(INTERRUPTED);
  };
  const told = () => {
    ending ??= end();
  };
  for (const each of ENDINGS) process.on(each, told);
  return {
    ending: () => ending,
    callOff: () => {
      for (const each of ENDINGS) process.off(each, told);
    },
  };
}

export async function measure(context: BenchContext): Promise<void> {
  const words = trafficWords(context.words, context.quick);
  const outside = endWithAll(context.folder);
  try {
    for (const [part, each] of Object.entries(MEASURES))
      if (words.parts.includes(part)) await each(context, words);
  } catch (error) {
    // What was stopped from outside fails in one way or another.
    await outside.ending();
    throw error;
  } finally {
    await closeAll();
    outside.callOff();
  }
}
