import type { NewsKind } from './news.ts';

/** How long nothing else of a kind is told. Units: milliseconds. */
export const QUIET_MS = 600_000;

interface Told {
  readonly atMs: number;
  readonly heldBack: number;
}

/**
 * Lets news of a kind pass once in ten minutes, and counts those between.
 *
 * Guarantees: the end always passes; what was held back is told once. Units: monotonic milliseconds.
 */
export class NewsGate {
  readonly #told = new Map<NewsKind, Told>();

  /** How many of the kind were held back before this one; undefined when this one is, too. */
  pass(kind: NewsKind, nowMs: number): number | undefined {
    const last = this.#told.get(kind);
    if (last !== undefined && kind !== 'ended' && nowMs - last.atMs < QUIET_MS) {
      this.#told.set(kind, { ...last, heldBack: last.heldBack + 1 });
      return undefined;
    }
    this.#told.set(kind, { atMs: nowMs, heldBack: 0 });
    return last?.heldBack ?? 0;
  }

  /** What was held back of every kind and not told yet, for the last word. */
  takeHeldBack(): Readonly<Partial<Record<NewsKind, number>>> {
    const untold = [...this.#told].filter(([, { heldBack }]) => heldBack > 0);
    for (const [kind, { atMs }] of untold) this.#told.set(kind, { atMs, heldBack: 0 });
    return Object.fromEntries(untold.map(([kind, { heldBack }]) => [kind, heldBack]));
  }
}
