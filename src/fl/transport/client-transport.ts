import type { ClientObservation, TrainedUpdate } from '../round/client-state.ts';
import type { Layout } from '../round/run-folder.ts';
import type { RoundAccount } from './round-account.ts';
import type { Watch } from './workdir.ts';

/** What one look depends on beside the server's doing. */
export interface ClientLook {
  /** The round that is being trained right now; null when none is. */
  readonly training: number | null;
  /** Whether the server is known to have admitted this client. */
  readonly admitted: boolean;
}

/** What is wanted of a run to take part in. */
export interface RunWish {
  /** The run by its name; null takes the newest that has not ended. */
  readonly run: string | null;
  /** Whether this client was in the middle of a run when it was stopped: then its end concerns it. */
  wasPartOf(run: string): Promise<boolean>;
}

/** A run to take part in, or, in one line, what is still awaited for there to be one, or why none can be seen. */
export type FoundRun =
  | { readonly run: string }
  | { readonly awaited: string }
  | { readonly unreachable: string | null };

/** How the way of an update to the others is followed, and given up. */
export interface Delivery {
  readonly signal: AbortSignal;
  /** Called with the fraction that has arrived, where that can be told and takes more than a moment. */
  readonly onProgress: (fraction: number) => void;
  /** The client's account of the round, where it has one and the server can be told. */
  readonly account?: RoundAccount | undefined;
}

/** An aggregate on this machine's disk. */
export interface HeldAggregate {
  readonly path: string;
  /** Differs whenever it was written anew. */
  readonly version: string;
  /** As the server describes it; null where it does not. */
  readonly sha256: string | null;
}

/** One client's part in one run: what it sees of the server, and what it lets the server see. */
export interface ClientSession {
  /** For people: where the run is. */
  readonly folder: string;
  /** False while nothing of the others can arrive, and everybody is waited for: silence then means nothing. */
  connected(): boolean;
  /** Why nothing of the others can arrive, in one line for a person; null while it can. */
  trouble(): string | null;
  /** One look at the run. Errors: ConfigError when what this client was told does not go with the run's settings. */
  observe(look: ClientLook): Promise<ClientObservation>;
  /** Ask to be admitted. */
  claim(layout: Layout): Promise<void>;
  /** Show that this client is alive. */
  beat(): Promise<void>;
  /** How long the next beat may take, as far as the server has told by now. Units: milliseconds. */
  beatPeriodMs(): Promise<number>;
  /** The task configuration as the server sent it; undefined while it is not here. */
  readTask(): Promise<Buffer | undefined>;
  /** Where the aggregate that `round` starts from stands on this machine, once it is present. */
  aggregatePath(round: number): string;
  /**
   * The same aggregate as it stands there now. Errors: StaleError when it is not there, or not the server's.
   */
  aggregate(round: number): Promise<HeldAggregate>;
  /**
   * Deliver an update, until the others can see it or it is given up. Guarantees: may be done twice.
   * Errors: RejectedError when it can never be delivered as it is; anything else is tried again.
   */
  publish(update: TrainedUpdate, delivery: Delivery): Promise<void>;
  /** Tell the server that training failed. */
  reportFailure(round: number, message: string): Promise<void>;
  /** No more looks. `over` says whether the run has ended for this client; otherwise it only leaves. */
  close(over: boolean): Promise<void>;
}

/** The port to the server, wherever it is: a shared folder, or the other end of a connection. */
export interface ClientTransport {
  /** Errors: AuthError when asking again is useless; other expected errors are tried again. */
  findRun(wish: RunWish): Promise<FoundRun>;
  /** Call `onHint` whenever another look may show something new. */
  watch(onHint: () => void): Promise<Watch>;
  /** Take part in a run that `findRun` named. */
  join(run: string): ClientSession;
}
