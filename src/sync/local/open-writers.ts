import type { Clock } from '../../clock.ts';
import { isSystemError } from '../../errors.ts';
import type { MirrorRoot } from './mirror-root.ts';

interface OpenWritersOptions {
  readonly root: MirrorRoot;
  readonly clock: Clock;
}

/** Finding out who writes may take this share of the time. */
const ASKING_SHARE = 1 / 20;
/** A system that fails to tell is asked again after this. */
const FAILED_MS = 1_000;

/** Asks the system who holds files open for writing, and not more often than that is worth. */
export class OpenWriters {
  readonly #options: OpenWritersOptions;
  #notBeforeMs = 0;

  constructor(options: OpenWritersOptions) {
    this.#options = options;
  }

  /** From when on it may be asked again. Units: the monotonic clock's milliseconds. */
  get notBeforeMs(): number {
    return this.#notBeforeMs;
  }

  /** True where the system does not tell. */
  get areUnknown(): boolean {
    return this.#options.root.files.writersOf === undefined;
  }

  /** Who writes which of these paths, as far as the system tells; `later` when it was asked too lately. */
  async among(paths: readonly (string | undefined)[]): Promise<ReadonlyMap<string, string> | 'later'> {
    const known = paths.filter((path) => path !== undefined);
    const { root, clock } = this.#options;
    if (known.length === 0 || root.files.writersOf === undefined) return new Map();
    const startedMs = clock.monotonic();
    if (startedMs < this.#notBeforeMs) return 'later';
    try {
      const writers = await root.files.writersOf(known);
      const endedMs = clock.monotonic();
      this.#notBeforeMs = endedMs + (endedMs - startedMs) / ASKING_SHARE;
      return writers;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      this.#notBeforeMs = clock.monotonic() + FAILED_MS;
      return 'later';
    }
  }
}
