import type { ServerCredentials, status } from '@grpc/grpc-js';
import { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import type { Clock } from '../../../clock.ts';
import { delay } from '../../../clock.ts';
import type { Logger } from '../../../logger.ts';
import { createCallGuard } from './call-guard.ts';
import type { ChannelSettings } from './channel-options.ts';
import type { ConnectionLimits } from './connections.ts';
import { Connections } from './connections.ts';
import type { FrontDesk } from './front-desk.ts';
import { listenOn } from './listener.ts';
import type { AddressLists } from './peer-address.ts';
import { createAddressGate } from './peer-address.ts';
import { createMilaHandlers, SERVER_SIDE_SERVICE } from './service.ts';
import { TransferSlots } from './transfer-slots.ts';
import type { TransferPace } from './transfers.ts';
import { Transfers } from './transfers.ts';
import { PACKAGE_DEFINITION, SERVICE_NAME } from './wire-definition.ts';

/** How long calls that are under way may take once the server closes. Units: milliseconds. */
const CLOSE_GRACE_MS = 5_000;

export interface GrpcServerOptions {
  /** Where to listen: `host:port`. */
  readonly target: string;
  readonly credentials: ServerCredentials;
  readonly channel: ChannelSettings;
  readonly lists: AddressLists;
  readonly connections: ConnectionLimits;
  /** How many large messages may be in memory at once, of each direction. */
  readonly workers: number;
  /** How slowly a model or a checkpoint may move. */
  readonly pace: TransferPace;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called at the end of every call. */
  readonly onCall: (method: string, code: status) => void;
  /** Called with what a person should know, in one line. */
  readonly onTrouble: (message: string) => void;
  /** Called with what is a bug. */
  readonly onFault: (error: unknown) => void;
}

/** A listening server. */
export interface ListeningServer {
  readonly port: number;
  /** From now on, calls are about this desk's run. */
  open(desk: FrontDesk): void;
  /** Let the calls that are under way end, then stop listening. */
  close(): Promise<void>;
}

/**
 * Listen for Mila's clients.
 *
 * Guarantees: memory is bounded by `workers` messages of the size limit for uploads, and as many, twice over, for
 * models that are sent; beside the service itself, the standard health and reflection services answer.
 * Errors: StateError 'cannot-listen'.
 */
export async function listenForClients(options: GrpcServerOptions): Promise<ListeningServer> {
  const { target, credentials, channel, lists, workers, clock, pace, onTrouble } = options;
  let openDesk: (desk: FrontDesk) => void = () => {};
  const ready = new Promise<FrontDesk>((resolve) => {
    openDesk = resolve;
  });
  let current: FrontDesk | undefined;
  const allows = createAddressGate(lists);
  const connections = new Connections({ limits: options.connections, allows, clock, onTrouble });
  const transfers = () => new Transfers({ ...pace, clock, slots: new TransferSlots(workers) });
  const guard = createCallGuard({
    ...options,
    uploads: transfers(),
    models: transfers(),
    seatsOf: (peer) => current?.seatsOf(peer) ?? 0,
    holderOf: (token, peer) => current?.holderOf(token, peer),
    receiveMaxBytes: channel.receiveMaxBytes,
    onConnectionUse: (call, use) => connections.used(call.getConnectionInfo(), use),
  });
  const server = new Server({ ...channel.options, interceptors: [guard.interceptor] });
  const desk = () => ready;
  const handlers = createMilaHandlers({ ...options, ...guard, desk, sendMaxBytes: channel.sendMaxBytes });
  server.addService(SERVER_SIDE_SERVICE, handlers);
  const health = new HealthImplementation({ '': 'SERVING', [SERVICE_NAME]: 'SERVING' });
  health.addToServer(server);
  new ReflectionService(PACKAGE_DEFINITION).addToServer(server);
  const injector = server.createConnectionInjector(credentials);
  const listener = await listenOn(target, (socket) => {
    if (connections.admit(socket)) injector.injectConnection(socket);
  });
  return {
    port: listener.port,
    open(opened) {
      current = opened;
      openDesk(opened);
    },
    async close() {
      health.setStatus(SERVICE_NAME, 'NOT_SERVING');
      health.setStatus('', 'NOT_SERVING');
      listener.close();
      const drained = new AbortController();
      server.tryShutdown(() => drained.abort());
      await delay(clock, CLOSE_GRACE_MS, drained.signal);
      server.forceShutdown();
      connections.closeAll();
    },
  };
}
