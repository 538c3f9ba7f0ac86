import { join } from 'node:path';
import type { ServerCredentials, status } from '@grpc/grpc-js';
import type { FederationEvent } from './round/event.ts';
import type { FederationServerOptions, ServerOutcome } from './server.ts';
import { runFederationServer } from './server.ts';
import { createAnnouncer } from './transport/announcer.ts';
import type { NamePolicy } from './transport/grpc/certificate-names.ts';
import type { ChannelSettings } from './transport/grpc/channel-options.ts';
import type { ConnectionLimits } from './transport/grpc/connections.ts';
import { FrontDesk } from './transport/grpc/front-desk.ts';
import type { ListeningServer } from './transport/grpc/grpc-server.ts';
import { listenForClients } from './transport/grpc/grpc-server.ts';
import { hintingWorkdir } from './transport/grpc/hinting-workdir.ts';
import type { AddressLists } from './transport/grpc/peer-address.ts';
import { Seats } from './transport/grpc/seats.ts';
import type { TransferPace } from './transport/grpc/transfers.ts';
import { openPlainWorkdir } from './transport/plain-workdir.ts';
import type { Workdir } from './transport/workdir.ts';

/** Where, below `savePath`, the run folders are that the connected clients share without seeing them. */
export const RUNS_FOLDER = 'runs';
/** The name of the tokens' file among a run's results. */
const SEATS_FILE = 'grpc.seats.json';
/** How long a finished server stays for clients that have not heard of it yet. Units: milliseconds. */
const FAREWELL_FINISHED_MS = 60_000;
/** As above, when the run was stopped or failed: some may be in the middle of a long training. */
const FAREWELL_ABORTED_MS = 10_000;

export interface GrpcFederationServerOptions extends Omit<FederationServerOptions, 'workdir' | 'layout'> {
  readonly target: string;
  readonly credentials: ServerCredentials;
  readonly channel: ChannelSettings;
  readonly lists: AddressLists;
  readonly connections: ConnectionLimits;
  /** Who decides what a client with a certificate may be called. */
  readonly names: NamePolicy;
  /** How many large messages may be in memory at once, of each direction. */
  readonly workers: number;
  /** How slowly a model or a checkpoint may move. */
  readonly pace: TransferPace;
  /** Whether the run is ended by a server that was started for it: then everybody is waited for who may come back. */
  readonly isStartedToEnd?: boolean;
  /** Called once the server listens. */
  readonly onListening: (port: number) => void;
  /** Called at the end of every call. */
  readonly onCall: (method: string, code: status) => void;
}

interface DeskSurroundings {
  readonly server: ListeningServer;
  readonly workdir: Workdir;
  readonly onFault: (error: unknown) => void;
  readonly onTrouble: (message: string) => void;
}

/** Opens the desk as soon as the run has a name. */
function deskOpener(
  options: GrpcFederationServerOptions,
  { server, workdir, onFault, onTrouble }: DeskSurroundings,
) {
  let desk: Promise<FrontDesk> | undefined;
  const openDesk = async (run: string): Promise<FrontDesk> => {
    const { savePath, random, clock, settings, channel } = options;
    const seats = await Seats.open(join(savePath, run, SEATS_FILE), random);
    const limits = {
      heartbeat_timeout: settings.heartbeatTimeoutMs / 1_000,
      message_bytes: channel.receiveMaxBytes,
    };
    const { rejoin } = settings;
    const desk = { workdir, run, seats, clock, random, rejoin, limits, onTrouble, names: options.names };
    const opened = new FrontDesk(desk);
    server.open(opened);
    return opened;
  };
  return {
    onEvent(event: FederationEvent) {
      if (event.event === 'run-created' || event.event === 'run-resumed') {
        desk = openDesk(event.run);
        desk.catch(onFault);
      }
      options.onEvent(event);
    },
    opened: () => desk,
  };
}

/**
 * Run the federation's server for clients that connect to it, until its run ends or is parked.
 *
 * Guarantees: as `runFederationServer`, over a run folder on this machine's own disk; after the end, everybody who
 * is still there is told before the server leaves.
 * Errors: as `runFederationServer`; StateError 'cannot-listen'.
 */
export async function runGrpcFederationServer(options: GrpcFederationServerOptions): Promise<ServerOutcome> {
  const { savePath, clock, logger, park, onListening } = options;
  let fault: unknown;
  const faulted = new AbortController();
  const onFault = (error: unknown): void => {
    fault ??= error;
    faulted.abort();
  };
  const folder = await openPlainWorkdir({ root: join(savePath, RUNS_FOLDER), clock, logger });
  const workdir = hintingWorkdir(folder);
  const { trouble: onTrouble } = createAnnouncer(clock, options.onEvent);
  const server = await listenForClients({ ...options, onFault, onTrouble });
  try {
    onListening(server.port);
    const desk = deskOpener(options, { server, workdir, onFault, onTrouble });
    const outcome = await runFederationServer({
      ...options,
      workdir,
      writersAreKnown: true,
      layout: 'documented',
      onEvent: (event) => desk.onEvent(event),
      park: AbortSignal.any([park, faulted.signal]),
    });
    if (fault !== undefined) throw fault;
    const opened = await desk.opened();
    const isStartedToEnd = options.isStartedToEnd === true;
    const isLong = isStartedToEnd || outcome.ending?.kind === 'finished';
    const waitMs = isLong ? FAREWELL_FINISHED_MS : FAREWELL_ABORTED_MS;
    if (outcome.ending !== null) await opened?.farewell(waitMs, park, isStartedToEnd);
    return outcome;
  } finally {
    await server.close();
  }
}
