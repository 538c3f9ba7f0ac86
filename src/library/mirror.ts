import { systemClock } from '../clock.ts';
import { InterruptedError } from '../errors.ts';
import { type Logger, silentLogger } from '../logger.ts';
import { systemRandom } from '../random.ts';
import type { EngineState } from '../sync/engine/status.ts';
import { runMount } from '../sync/mount/mount.ts';
import type { MountStatus } from '../sync/mount/mount-status.ts';
import { selectionFilter, selectionText } from '../sync/mount/selection.ts';
import type { BandwidthLimits } from '../sync/mount/throttled-store.ts';
import type { RemoteCallLedger, RemoteStore } from '../sync/remote/remote-store.ts';

/** What is mirrored, and where. */
export interface MirrorOptions {
  /** The mount directory; the folder appears below it, under its path. Made where it is missing. */
  readonly directory: string;
  /** The folder's path of names below the account's root. */
  readonly path: readonly string[];
  /** Called once; `ledger` wants to hear of each call that the store makes. The mirror closes the store. */
  readonly openStore: (ledger: RemoteCallLedger) => Promise<RemoteStore>;
  /** True: what is missing of the path below its first name is made. Default false: it is waited for. */
  readonly createFolder?: boolean;
  /** When there are any, only files that match one of these patterns are mirrored. */
  readonly include?: readonly string[];
  /** What matches one of these patterns is left alone on both sides. */
  readonly exclude?: readonly string[];
  /** More deletions than this in one plan wait for a person. Default: half of what either side holds. */
  readonly deletionsMax?: number;
  /** Where local content goes that lost its name in a conflict. Default 'apart': outside the mirrored folder. */
  readonly conflictCopies?: 'apart' | 'beside';
  readonly bandwidth?: BandwidthLimits;
  /** Default: says nothing. */
  readonly logger?: Logger;
  readonly onState?: (state: EngineState) => void;
  /** Told of what fails while the mirror goes on, by a key of its own; undefined: that is over. */
  readonly onNotice?: (key: string, text: string | undefined) => void;
  /** Aborted: stop in order, also before both sides agreed. */
  readonly signal?: AbortSignal;
}

/** A mirror that runs in this process. */
export interface RunningMirror {
  status(): MountStatus;
  /** Stop in order. Idempotent; resolves when lock and index are released. */
  stop(): Promise<void>;
  /** Settles when the mirror ended: rejected where something ended it that it cannot go on after. */
  readonly ended: Promise<void>;
}

/**
 * Keep a folder of a store and a directory alike until it is stopped, as `mila-sync mount` does.
 *
 * Guarantees: resolves once both sides agreed for the first time; one mirror a directory; `mila-sync status` and its
 * siblings answer for it.
 * Errors: StateError 'already-mounted' | 'directory-not-empty' | 'mount-of-another' | 'root-missing' | 'lock-lost'; what
 * the store throws at its first contact; InterruptedError 'stopped' when it was stopped before both sides agreed.
 */
export function mirror(options: MirrorOptions): Promise<RunningMirror> {
  const {
    directory,
    path: rootPath,
    createFolder = false,
    include = [],
    exclude = [],
    signal,
    ...rest
  } = options;
  const selection = { profile: { kind: 'full' }, include, exclude } as const;
  const stopping = new AbortController();
  const forward = () => stopping.abort();
  signal?.addEventListener('abort', forward, { once: true });
  if (signal?.aborted) forward();
  return new Promise((resolve, reject) => {
    const stop = () => {
      forward();
      return ended;
    };
    const ended = runMount(
      {
        logger: silentLogger,
        ...rest,
        layout: { directory, rootPath },
        createRoot: createFolder,
        filter: selectionFilter(selection),
        selection: selectionText(selection),
        clock: systemClock(),
        random: systemRandom(),
        signal: stopping.signal,
      },
      ({ status }) => resolve({ status, stop, ended }),
    ).finally(() => signal?.removeEventListener('abort', forward));
    // Settles nothing where both sides agreed before: then `ended` tells.
    ended.then(() => reject(stoppedBefore(rootPath)), reject);
  });
}

function stoppedBefore(path: readonly string[]): InterruptedError {
  return new InterruptedError({
    code: 'stopped',
    message: `the mirror of ${path.join('/')} was stopped before both sides agreed`,
  });
}
