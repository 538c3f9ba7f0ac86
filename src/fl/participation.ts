import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { Executor } from './executor/executor.ts';
import type { ClientSettings } from './round/client-state.ts';
import type { FederationEvent } from './round/event.ts';
import type { ClientTransport } from './transport/client-transport.ts';
import type { UploadScope } from './transport/outgoing-update.ts';
import type { CopyModel } from './transport/start-model.ts';

/** How one participant takes part, whatever the transport. */
export interface ParticipationOptions {
  readonly name: string;
  readonly settings: ClientSettings;
  /** Null leaves it to the server. */
  readonly heartbeatFrequencyMs: number | null;
  readonly modelOverwrites: Readonly<Record<string, unknown>>;
  /** Where the client's own results go, one folder per run. */
  readonly savePath: string;
  /** The run to take part in; null takes the newest that has not ended. */
  readonly run: string | null;
  readonly transport: ClientTransport;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly executor: Executor;
  /** What of a training's checkpoint goes to the others. Default: its model. */
  readonly upload?: UploadScope;
  /** How models are read and written anew. Default: by this project's codec. */
  readonly copyModel?: CopyModel;
  readonly onEvent: (event: FederationEvent) => void;
  /** Aborted to leave; the next start goes on. */
  readonly signal: AbortSignal;
}
