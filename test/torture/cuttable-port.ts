import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** How a host is out of reach: its connections are refused, or nothing passes on them. */
export type Cut = 'refused' | 'silent';

/**
 * A port of this machine before another one, which can be cut off.
 *
 * Guarantees: a cut breaks or silences what runs through it, too; whoever was silenced is disconnected afterwards, as by
 * a firewall that starts anew.
 */
export class CuttablePort {
  readonly #target: number;
  readonly #server: Server;
  readonly #pairs = new Map<Socket, Socket>();
  #port = 0;
  #cut: Cut | undefined;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((inward) => this.#join(inward));
  }

  static async open(target: number): Promise<CuttablePort> {
    const port = new CuttablePort(target);
    await port.#listen();
    return port;
  }

  get number(): number {
    return this.#port;
  }

  async cut(how: Cut): Promise<void> {
    if (this.#cut !== undefined) return;
    this.#cut = how;
    if (how === 'refused') await this.#shut();
    else for (const [inward, outward] of this.#pairs) silence(inward, outward);
  }

  async restore(): Promise<void> {
    const how = this.#cut;
    this.#cut = undefined;
    if (how === 'refused') await this.#listen();
    if (how === 'silent') this.#disconnect();
  }

  async close(): Promise<void> {
    if (this.#cut !== 'refused') await this.#shut();
  }

  #join(inward: Socket): void {
    const outward = connect(this.#target, '127.0.0.1');
    this.#pairs.set(inward, outward);
    for (const [socket, other] of [
      [inward, outward],
      [outward, inward],
    ] as const) {
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
    }
    inward.on('close', () => this.#pairs.delete(inward));
    if (this.#cut === undefined) inward.pipe(outward).pipe(inward);
  }

  /** The same port each time. */
  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  #shut(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#disconnect();
    });
  }

  #disconnect(): void {
    for (const inward of this.#pairs.keys()) inward.resetAndDestroy();
  }
}

function silence(inward: Socket, outward: Socket): void {
  for (const socket of [inward, outward]) {
    socket.unpipe();
    socket.pause();
  }
}
