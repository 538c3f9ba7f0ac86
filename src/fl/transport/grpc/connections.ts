import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../../clock.ts';
import { createOnceTeller } from './once-teller.ts';
import { addressOf } from './peer-address.ts';

/** How many connections there may be, and how long they may be of no use. */
export interface ConnectionLimits {
  readonly total: number;
  readonly perAddress: number;
  /** How long a connection may take to its first call, handshakes included. Units: milliseconds. */
  readonly firstCallMs: number;
  /** How long one may be without a call before it is closed. Units: milliseconds. */
  readonly strangerIdleMs: number;
  readonly participantIdleMs: number;
}

/** One end of a connection as both a socket and a call know it. */
export interface Ends {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  /** Whether somebody who takes part has called over it. */
  isKnown: boolean;
  calls: number;
  timer: Timer;
}

export interface ConnectionsOptions {
  readonly limits: ConnectionLimits;
  readonly allows: (address: string) => boolean;
  readonly clock: Clock;
  /** Called with what a person should know, in one line. */
  readonly onTrouble: (message: string) => void;
}

const keyOf = ({ remoteAddress, remotePort, localAddress, localPort }: Ends): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;

/**
 * Every connection to the server, from the moment it is there.
 *
 * Guarantees: whom the lists do not allow is cut before a byte is read; there are never more connections than the
 * limits allow, and a newcomer takes the place of the oldest stranger rather than being turned away; what is of no
 * use is closed.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  /** In the order in which they came. */
  readonly #open = new Map<string, Connection>();
  readonly #tell: (message: string) => void;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#tell = createOnceTeller(options.onTrouble);
  }

  get count(): number {
    return this.#open.size;
  }

  /** Take a connection in. Returns false when it was cut. */
  admit(socket: Socket): boolean {
    const { allows, limits, clock } = this.#options;
    // What fails on a connection is its peer's affair: whoever uses it hears of it.
    socket.on('error', () => {});
    const address = addressOf(`${socket.remoteAddress ?? ''}:`);
    if (!allows(address)) {
      this.#refused(address, 'its address is not allowed (whitelist, blacklist)');
      socket.destroy();
      return false;
    }
    if (!this.#makeRoom(address)) {
      this.#refused(address, `there are ${limits.total} connections, or ${limits.perAddress} from there`);
      socket.destroy();
      return false;
    }
    const key = keyOf(socket);
    const timer = clock.after(limits.firstCallMs, () => socket.destroy());
    const connection: Connection = { socket, address, isKnown: false, calls: 0, timer };
    this.#open.set(key, connection);
    socket.once('close', () => {
      connection.timer.cancel();
      if (this.#open.get(key) === connection) this.#open.delete(key);
    });
    return true;
  }

  /** A call over a connection begins, is over, or comes from somebody who takes part. */
  used(ends: Ends, use: 'begun' | 'over' | 'known'): void {
    const { clock, limits } = this.#options;
    const connection = this.#open.get(keyOf(ends));
    if (connection === undefined) return;
    if (use === 'known') {
      connection.isKnown = true;
      return;
    }
    connection.calls += use === 'begun' ? 1 : -1;
    connection.timer.cancel();
    if (connection.calls > 0) return;
    const idleMs = connection.isKnown ? limits.participantIdleMs : limits.strangerIdleMs;
    connection.timer = clock.after(idleMs, () => connection.socket.destroy());
  }

  closeAll(): void {
    for (const { socket } of this.#open.values()) socket.destroy();
  }

  #makeRoom(address: string): boolean {
    const { limits } = this.#options;
    const fromThere = [...this.#open.values()].filter((each) => each.address === address);
    if (fromThere.length >= limits.perAddress) return this.#cutStranger(fromThere);
    return this.#open.size < limits.total || this.#cutStranger([...this.#open.values()]);
  }

  #cutStranger(among: readonly Connection[]): boolean {
    const oldest = among.find(({ isKnown }) => !isKnown);
    if (oldest === undefined) return false;
    for (const [key, each] of this.#open) if (each === oldest) this.#open.delete(key);
    oldest.socket.destroy();
    return true;
  }

  #refused(address: string, why: string): void {
    this.#tell(`a connection from ${address || 'a local socket'} was refused: ${why}`);
  }
}
