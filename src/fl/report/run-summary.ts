import { z } from 'zod';

/** One round of a run in a few numbers. */
export interface RoundSummary {
  readonly round: number;
  /** From the round's beginning to its aggregate, the trainings included; null when one of both was not seen. */
  readonly seconds: number | null;
  /** Weight by participant, of those whose updates went into the aggregate. */
  readonly weights: Readonly<Record<string, number>>;
  /** Who was left out, and why. */
  readonly left_out: readonly { readonly participant: string; readonly reason: string }[];
  /** Mean metrics of the participants, weighted as their updates were. */
  readonly metrics: Readonly<Record<string, number>>;
}

const numbers = z.record(z.string(), z.number());
const about = { at: z.string(), round: z.number() };

/** What a summary is made of; other events of the history say nothing to it. */
const eventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('round-started'), ...about }),
  z.object({ event: z.literal('update-refused'), ...about, participant: z.string(), reason: z.string() }),
  z.object({ event: z.literal('update-late'), ...about, participant: z.string(), reason: z.string() }),
  z.object({
    event: z.enum(['participant-lost', 'participant-left']),
    ...about,
    participant: z.string(),
  }),
  z.object({
    event: z.literal('aggregated'),
    ...about,
    weights: numbers,
    metrics: numbers.default({}),
    refused: z.array(z.object({ participant: z.string(), reason: z.string() })),
  }),
]);

interface Draft {
  startedAtMs: number | null;
  aggregatedAtMs: number | null;
  weights: Readonly<Record<string, number>>;
  metrics: Readonly<Record<string, number>>;
  readonly leftOut: Map<string, string>;
}

function parsed(line: string): z.infer<typeof eventSchema> | undefined {
  try {
    return eventSchema.safeParse(JSON.parse(line)).data;
  } catch {
    // A line that a crash cut short.
    return undefined;
  }
}

function take(draft: Draft, event: z.infer<typeof eventSchema>): void {
  const atMs = Date.parse(event.at);
  switch (event.event) {
    case 'round-started':
      draft.startedAtMs ??= atMs;
      return;
    case 'aggregated':
      draft.aggregatedAtMs = atMs;
      draft.weights = event.weights;
      draft.metrics = event.metrics;
      for (const { participant, reason } of event.refused) draft.leftOut.set(participant, reason);
      return;
    case 'participant-lost':
      draft.leftOut.set(event.participant, 'lost');
      return;
    case 'participant-left':
      draft.leftOut.set(event.participant, 'left');
      return;
    default:
      draft.leftOut.set(event.participant, event.reason);
  }
}

/** Sum a run up, round by round, from the lines of its history; those of earlier lives of the server count as well. */
export function summariseHistory(lines: readonly string[]): readonly RoundSummary[] {
  const rounds = new Map<number, Draft>();
  for (const line of lines) {
    const event = parsed(line);
    if (event === undefined) continue;
    const draft = rounds.get(event.round) ?? {
      startedAtMs: null,
      aggregatedAtMs: null,
      weights: {},
      metrics: {},
      leftOut: new Map<string, string>(),
    };
    rounds.set(event.round, draft);
    take(draft, event);
  }
  return [...rounds]
    .sort(([left], [right]) => left - right)
    .map(([round, { startedAtMs, aggregatedAtMs, weights, metrics, leftOut }]) => ({
      round,
      seconds: startedAtMs === null || aggregatedAtMs === null ? null : (aggregatedAtMs - startedAtMs) / 1000,
      weights,
      metrics,
      // Who came back, or delivered again, took part after all.
      left_out: [...leftOut]
        .filter(([participant]) => weights[participant] === undefined)
        .map(([participant, reason]) => ({ participant, reason })),
    }));
}
