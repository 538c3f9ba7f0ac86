import { lookup } from 'node:dns/promises';
import type { ListenOptions, Server, Socket } from 'node:net';
import { createServer, isIP } from 'node:net';
import { ConfigError, errnoOf, messageOf, StateError } from '../../../errors.ts';
import type { HostPort } from './target.ts';
import { parseTarget } from './target.ts';

/** How often a port that the system chose is tried at all of a name's addresses. */
const PORT_TRIES = 5;

const UNKNOWN_HOST =
  'No name server knows the host; grpc_configuration.target of a server is an address of this machine, such as 0.0.0.0:8024.';

/** What helps, by the system's reason why a server cannot listen. */
const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Another program holds the port; grpc_configuration.target names another one.',
  EADDRNOTAVAIL:
    'The address is not one of this machine; in grpc_configuration.target, 0.0.0.0 stands for all of its IPv4 addresses and [::] for all.',
  EACCES: 'Ports below 1024 are for administrators; grpc_configuration.target names another one.',
  ENOTFOUND: UNKNOWN_HOST,
  EAI_AGAIN: UNKNOWN_HOST,
};

/** Ports that are open. */
export interface Listener {
  readonly port: number;
  /** Take no more connections. */
  close(): void;
}

function listenAt(options: ListenOptions, onConnection: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true }, onConnection);
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      // A connection that could not be accepted is its peer's loss.
      server.on('error', () => {});
      resolve(server);
    });
  });
}

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

async function addressesOf(places: readonly HostPort[]): Promise<readonly HostPort[]> {
  const found = await Promise.all(
    places.map(async ({ host, port }) => {
      if (isIP(host) !== 0) return [{ host, port }];
      const addresses = await lookup(host, { all: true });
      return addresses.map(({ address }) => ({ host: address, port }));
    }),
  );
  return found.flat();
}

/** Listen at all addresses with one port, or at those that this machine has. */
async function listenAtAll(
  places: readonly HostPort[],
  onConnection: (socket: Socket) => void,
): Promise<readonly Server[]> {
  const servers: Server[] = [];
  let missing: unknown;
  for (const { host, port } of places) {
    const chosen = port === 0 && servers[0] !== undefined ? portOf(servers[0]) : port;
    try {
      servers.push(await listenAt({ host, port: chosen }, onConnection));
    } catch (error) {
      missing ??= error;
      // Where another program has the port, half of the clients would reach that one.
      if (!['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'].includes(errnoOf(error) ?? '')) {
        for (const server of servers) server.close();
        throw error;
      }
    }
  }
  if (servers.length === 0) throw missing;
  return servers;
}

async function listenWherePortIsFree(
  places: readonly HostPort[],
  onConnection: (socket: Socket) => void,
): Promise<readonly Server[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await listenAtAll(places, onConnection);
    } catch (error) {
      const isChosen = places.length > 1 && places.every(({ port }) => port === 0);
      if (!isChosen || errnoOf(error) !== 'EADDRINUSE' || tries === PORT_TRIES) throw error;
    }
  }
}

/**
 * Open a target's port on all of its addresses, and hand over every connection as it comes, unread.
 *
 * Errors: ConfigError 'target-malformed'; StateError 'cannot-listen', with a hint that fits the system's reason.
 */
export async function listenOn(target: string, onConnection: (socket: Socket) => void): Promise<Listener> {
  const parsed = parseTarget(target);
  if (parsed === undefined)
    throw new ConfigError({
      code: 'target-malformed',
      message: `grpc_configuration.target is ${JSON.stringify(target)}, which is no host:port`,
      hint: 'Such as 0.0.0.0:8024, [::]:8024 or localhost:8024.',
    });
  try {
    const servers =
      parsed.kind === 'unix'
        ? [await listenAt({ path: parsed.path }, onConnection)]
        : await listenWherePortIsFree(await addressesOf(parsed.places), onConnection);
    return {
      port: servers[0] === undefined ? 0 : portOf(servers[0]),
      close() {
        for (const server of servers) server.close();
      },
    };
  } catch (cause) {
    const hint = HINTS[errnoOf(cause) ?? ''];
    throw new StateError({
      code: 'cannot-listen',
      message: `the server cannot listen at ${target}: ${messageOf(cause)}`,
      ...(hint === undefined ? {} : { hint }),
      data: { target },
      cause,
    });
  }
}
