import { join } from 'node:path';
import { credentials, ServerCredentials } from '@grpc/grpc-js';
import { systemClock } from '../../src/clock.ts';
import { takePart } from '../../src/fl/client.ts';
import type { GrpcSection } from '../../src/fl/config/grpc-section.ts';
import { defaultGrpcSection } from '../../src/fl/config/grpc-section.ts';
import type { GrpcFederationServerOptions } from '../../src/fl/grpc-server.ts';
import { runGrpcFederationServer } from '../../src/fl/grpc-server.ts';
import type { ParticipationOptions } from '../../src/fl/participation.ts';
import type { FederationEvent } from '../../src/fl/round/event.ts';
import type { ServerOutcome } from '../../src/fl/server.ts';
import { channelSettings } from '../../src/fl/transport/grpc/channel-options.ts';
import { ClientLink } from '../../src/fl/transport/grpc/client-link.ts';
import { connectionLimits, paceOf } from '../../src/fl/transport/grpc/federation-limits.ts';
import type { GrpcClientOptions } from '../../src/fl/transport/grpc/grpc-client.ts';
import { openGrpcClient } from '../../src/fl/transport/grpc/grpc-client.ts';
import { silentLogger } from '../../src/logger.ts';
import { systemRandom } from '../../src/random.ts';
import { copyNumber, numberAggregator, numberExecutor, Playground, SETTINGS } from './federation.ts';

/** Bare connections to servers: the five calls, and no client behind them. */
export class BareLinks {
  readonly #links: ClientLink[] = [];

  to(
    target: string,
    security: Pick<GrpcClientOptions, 'credentials' | 'optionsFor'> = {
      credentials: credentials.createInsecure(),
    },
  ): ClientLink {
    const link = new ClientLink({
      target,
      ...security,
      channel: channelSettings('client', FAST_CHANNEL),
      clock: systemClock(),
      transferTimeoutMs: 30_000,
    });
    this.#links.push(link);
    return link;
  }

  close(): void {
    for (const link of this.#links.splice(0)) link.close();
  }
}

export const FAST_CHANNEL: GrpcSection = {
  ...defaultGrpcSection(),
  options: [
    ['grpc.initial_reconnect_backoff_ms', 50],
    ['grpc.max_reconnect_backoff_ms', 200],
  ],
};

/** A server that runs, and how to end it. */
export interface RunningServer {
  readonly target: string;
  readonly port: number;
  readonly outcome: Promise<ServerOutcome>;
  /** End the run for everybody. */
  stop(): void;
  /** Leave the run open, as a machine that shuts down does. */
  park(): void;
}

/** A gRPC federation on this machine, with a disk of its own. */
export class GrpcPlayground {
  readonly ground: Playground;
  readonly #leaving: AbortController[] = [];

  private constructor(ground: Playground) {
    this.ground = ground;
  }

  static async open(): Promise<GrpcPlayground> {
    return new GrpcPlayground(await Playground.open());
  }

  get runs(): string {
    return join(this.ground.root, 'server-results', 'runs');
  }

  async close(): Promise<void> {
    for (const controller of this.#leaving) controller.abort();
    await this.ground.close();
  }

  async server(overrides: Partial<GrpcFederationServerOptions> = {}): Promise<RunningServer> {
    const stop = new AbortController();
    const park = new AbortController();
    this.#leaving.push(park);
    const { root } = this.ground;
    const address = overrides.target ?? '127.0.0.1:0';
    let outcome: Promise<ServerOutcome> | undefined;
    const port = await new Promise<number>((resolve, reject) => {
      outcome = runGrpcFederationServer({
        settings: SETTINGS,
        session: 'grpc',
        taskFile: join(root, 'task.json'),
        startPoint: null,
        savePath: join(root, 'server-results'),
        resume: 'auto',
        clock: systemClock(),
        random: systemRandom(),
        logger: silentLogger,
        aggregator: numberAggregator,
        inspect: async () => null,
        stripStartPoint: async () => {},
        onEvent: (event) => void this.ground.events.push({ ...event, who: 'server' }),
        stop: stop.signal,
        park: park.signal,
        target: address,
        credentials: ServerCredentials.createInsecure(),
        channel: channelSettings('server', FAST_CHANNEL),
        lists: { blacklist: [], whitelist: [], useWhitelist: false },
        workers: 2,
        pace: paceOf(FAST_CHANNEL),
        connections: connectionLimits(FAST_CHANNEL, SETTINGS.maximumClients),
        names: 'certificate',
        onListening: resolve,
        onCall: () => {},
        ...overrides,
      });
      outcome.catch(reject);
    });
    return {
      target: address.replace(/:\d+$/, `:${port}`),
      port,
      outcome: outcome as unknown as Promise<ServerOutcome>,
      stop: () => stop.abort(),
      park: () => park.abort(),
    };
  }

  async client(
    target: string,
    name: string,
    overrides: Partial<ParticipationOptions> & {
      retryTimeoutMs?: number;
      section?: GrpcSection;
      security?: Pick<GrpcClientOptions, 'credentials' | 'diagnose'>;
    } = {},
  ) {
    const clock = systemClock();
    const savePath = overrides.savePath ?? join(this.ground.root, `client-${name}`);
    const onEvent = (event: FederationEvent) => void this.ground.events.push({ ...event, who: name });
    const leave = new AbortController();
    this.#leaving.push(leave);
    const heartbeatFrequencyMs = overrides.heartbeatFrequencyMs ?? 500;
    const logger = overrides.logger ?? silentLogger;
    const options = { name, savePath, clock, logger, onEvent, heartbeatFrequencyMs };
    const transport = openGrpcClient({
      ...options,
      target,
      credentials: credentials.createInsecure(),
      diagnose: async () => undefined,
      ...overrides.security,
      channel: channelSettings('client', overrides.section ?? FAST_CHANNEL),
      retryTimeoutMs: overrides.retryTimeoutMs ?? 50,
      transferTimeoutMs: 60_000,
    });
    try {
      return await takePart({
        ...options,
        settings: { trainingRetries: 0, rejoinWaitMs: 60_000, finalModelWaitMs: 10_000 },
        modelOverwrites: {},
        run: null,
        executor: numberExecutor(1),
        copyModel: copyNumber,
        signal: leave.signal,
        ...overrides,
        transport,
      });
    } finally {
      transport.close();
    }
  }
}

/** A `Checkpoint` message of a token and so many bytes of content, encoded. Units: bytes. */
export function checkpointOf(token: string, sizeBytes: number): Buffer {
  const head = Buffer.from([0x0a, token.length, ...Buffer.from(token), 0x12]);
  const size: number[] = [];
  for (let rest = sizeBytes; ; rest >>>= 7) {
    size.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([head, Buffer.from(size), Buffer.alloc(sizeBytes, 1)]);
}
