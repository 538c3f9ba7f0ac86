import type { Clock } from '../../clock.ts';
import type { ServerHeard } from '../round/client-state.ts';
import { AGGREGATE_FILE, runPaths, SERVER_META_FILE, STATUS_FILE } from '../round/run-folder.ts';
import type { OwnedFiles } from './owned-files.ts';
import { parseServerSign, type ServerSign } from './server-sign.ts';
import { SIDE_FILE_MAX_BYTES } from './side-file.ts';
import type { Workdir, WorkdirEntry } from './workdir.ts';

interface WatchOptions {
  readonly run: string;
  readonly files: OwnedFiles;
  readonly clock: Clock;
}

/**
 * What a client knows of its server's life: from the sign of life, and from whatever else the server writes for everybody.
 *
 * Guarantees: what this client saw change counts by its own clock, so that clocks that differ mean nothing; another
 * account's files are no signs of life.
 */
export class ServerWatch {
  readonly #workdir: Workdir;
  readonly #options: WatchOptions;
  #seen: string | undefined;
  #sign: ServerSign | undefined;
  #signVersion = '';
  #heardAtMs = 0;

  constructor(workdir: Workdir, options: WatchOptions) {
    this.#workdir = workdir;
    this.#options = options;
  }

  /** `top`: what stands in the run's folder; `round`: the newest. Undefined where the server gives no sign. */
  async look(top: readonly WorkdirEntry[], round: number | null): Promise<ServerHeard | undefined> {
    const { run, files, clock } = this.#options;
    const found = top.filter(({ name }) => name === STATUS_FILE);
    const [status] = await files.own(run, found);
    if (status === undefined) return undefined;
    const opening = round === null ? undefined : await this.#openingOf(round);
    await this.#read(status);
    const seen = `${status.version} ${opening?.version ?? ''}`;
    if (seen !== this.#seen) {
      // What stood there before this client looked came when its writer says so.
      const isFirst = this.#seen === undefined;
      const toldMs = Math.max(this.#sign?.writtenAtMs ?? 0, opening?.modifiedAtMs ?? 0);
      this.#heardAtMs = isFirst && toldMs > 0 ? Math.min(toldMs, clock.now()) : clock.now();
      this.#seen = seen;
    }
    if (this.#sign === undefined) return undefined;
    const { nextDueAtMs, writtenAtMs, participants } = this.#sign;
    // What was awaited before the round began is awaited no more.
    const isOfRound = round === null || this.#sign.round === round;
    const dueAtMs = this.#heardAtMs + Math.max(0, nextDueAtMs - writtenAtMs);
    return { atMs: this.#heardAtMs, dueAtMs, participants: isOfRound ? participants : [] };
  }

  async #read({ version }: WorkdirEntry): Promise<void> {
    if (version === this.#signVersion) return;
    const { run, files } = this.#options;
    const bytes = await files.read(runPaths.status(run), SIDE_FILE_MAX_BYTES);
    if (bytes === undefined) return;
    this.#sign = parseServerSign(bytes.toString('utf8'));
    this.#signVersion = version;
  }

  /** The file of the newest round that the server wrote last. */
  async #openingOf(round: number): Promise<WorkdirEntry | undefined> {
    const { run, files } = this.#options;
    const folder = runPaths.round(run, round);
    const entries = await Promise.all(
      [AGGREGATE_FILE, SERVER_META_FILE].map((name) => this.#workdir.entry(`${folder}/${name}`)),
    );
    const own = await files.own(
      folder,
      entries.filter((entry) => entry !== undefined),
    );
    return own.toSorted((left, right) => right.modifiedAtMs - left.modifiedAtMs)[0];
  }
}
