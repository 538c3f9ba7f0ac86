/** How bad it is: `error` kept or may have kept the run from its result; `warning` deserves a look; `note` explains. */
export type Severity = 'error' | 'warning' | 'note';

/** Something about a run folder that is not as it should be. */
export interface Irregularity {
  readonly severity: Severity;
  /** Machine-readable kind, in kebab-case; listed in docs/inspect.md. */
  readonly code: string;
  /** The file or folder that it is about, below the run folder; empty for the run as a whole. */
  readonly path: string;
  readonly message: string;
}

/** How often each kind occurred, also those beyond what is listed. */
export interface IrregularityCount {
  readonly code: string;
  readonly severity: Severity;
  readonly count: number;
}

/** A hostile or broken folder repeats itself: of one kind, no more than this are listed. */
const LISTED_MAX = 50;
const ORDER: readonly Severity[] = ['error', 'warning', 'note'];

/** Collects irregularities. Guarantees: memory is bounded by the number of kinds, counts are exact. */
export class Irregularities {
  readonly #listed: Irregularity[] = [];
  readonly #counts = new Map<string, IrregularityCount>();

  add(severity: Severity, code: string, path: string, message: string): void {
    const count = (this.#counts.get(code)?.count ?? 0) + 1;
    this.#counts.set(code, { code, severity, count });
    if (count <= LISTED_MAX) this.#listed.push({ severity, code, path, message });
  }

  /** The worst first, and by path. */
  listed(): readonly Irregularity[] {
    const rank = ({ severity, path, code }: Irregularity) => `${ORDER.indexOf(severity)} ${path}\0${code}`;
    return this.#listed.sort((left, right) => (rank(left) < rank(right) ? -1 : 1));
  }

  counts(): readonly IrregularityCount[] {
    return [...this.#counts.values()].sort((left, right) => (left.code < right.code ? -1 : 1));
  }
}
