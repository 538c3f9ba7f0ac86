import { parseArgs } from 'node:util';

/** Units: minutes. */
const HOUR = 60;

/** The parts of the benchmark, in their order. */
export const PARTS = ['hour', 'rounds', 'growth', 'bytes'] as const;

/** What the words of the command line say. */
export interface TrafficWords {
  readonly parts: readonly string[];
  /** How much of the hour is measured, by the programs' clock. */
  readonly minutes: number;
  /** How many times faster the programs' clocks run. */
  readonly speed: number;
  /** Before each answer of Box, by the programs' clock. */
  readonly latencyMs: number;
  /** Between the starts of two clients in the hour, and so between their beats. Units: seconds. */
  readonly apartS: number;
  /** Between two beats, one hour each beside the one by default. Units: seconds. */
  readonly beatsS: readonly number[];
  readonly rounds: number;
  /** Numbers of participants beside the server. */
  readonly participants: readonly number[];
}

function numbersOf(name: string, text: string): readonly number[] {
  const numbers = text.split(',').map(Number);
  if (numbers.every((each) => Number.isSafeInteger(each) && each > 0)) return numbers;
  throw new RangeError(`--${name} ${text}`);
}

/** Errors: TypeError for an option that is none; RangeError for a number or a part that is none. */
export function trafficWords(words: readonly string[], quick: boolean): TrafficWords {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      minutes: { type: 'string', default: quick ? '20' : '60' },
      speed: { type: 'string', default: '15' },
      latency: { type: 'string', default: '100' },
      apart: { type: 'string', default: '20' },
      beats: { type: 'string', default: '60' },
      rounds: { type: 'string', default: quick ? '3' : '5' },
      participants: { type: 'string', default: quick ? '3' : '3,10' },
    },
  });
  const number = (name: Exclude<keyof typeof values, 'participants' | 'beats'>) => {
    const text = values[name];
    const value = Number(text);
    if (text === '' || !Number.isFinite(value) || value < 0) throw new RangeError(`--${name} ${text}`);
    return value;
  };
  const unknown = positionals.find((part) => !PARTS.some((each) => each === part));
  if (unknown !== undefined) throw new RangeError(`no part ${unknown}; there are ${PARTS.join(', ')}`);
  return {
    parts: positionals.length === 0 ? PARTS : positionals,
    minutes: Math.min(HOUR, Math.max(1, number('minutes'))),
    speed: Math.max(1, number('speed')),
    latencyMs: number('latency'),
    apartS: number('apart'),
    beatsS: numbersOf('beats', values.beats),
    rounds: Math.max(1, number('rounds')),
    participants: numbersOf('participants', values.participants),
  };
}
