import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BoxKeyFile, RunningEmulator } from '../../src/sync/box-emulator/emulator.ts';
import { type Cut, CuttablePort } from './cuttable-port.ts';

/** The hosts that Box names for firewalls: each can be out of reach alone. */
export const BOX_HOSTS = ['api', 'upload', 'dl', 'realtime'] as const;
export type BoxHost = (typeof BOX_HOSTS)[number];

/** What an emulator's answers say of its second address, by what follows the address. */
const ADDRESS = /http:\/\/127\.0\.0\.1:\d+(\/subscribe\b|\/d\/|\/api\/)/g;
const HOST_OF: Readonly<Record<string, BoxHost>> = {
  '/subscribe': 'realtime',
  '/d/': 'dl',
  '/api/': 'upload',
};

/** An address for each of Box's hosts, before an emulator that serves all of them. */
export class BoxHosts {
  readonly #emulator: RunningEmulator;
  readonly #ports = new Map<BoxHost, CuttablePort>();
  readonly #server: Server;

  private constructor(emulator: RunningEmulator) {
    this.#emulator = emulator;
    this.#server = createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 }, (incoming, outgoing) =>
      this.#forward(incoming, outgoing),
    );
  }

  static async open(emulator: RunningEmulator): Promise<BoxHosts> {
    const hosts = new BoxHosts(emulator);
    await new Promise<void>((resolve) => hosts.#server.listen(0, '127.0.0.1', resolve));
    const { port } = hosts.#server.address() as AddressInfo;
    for (const host of BOX_HOSTS) hosts.#ports.set(host, await CuttablePort.open(port));
    return hosts;
  }

  /** The application's key file, with these addresses. */
  get configuration(): BoxKeyFile {
    const [api, upload] = [this.#url('api'), this.#url('upload')];
    const baseUrls = { api, upload: `${upload}/api`, oauth2: `${api}/api/oauth2` };
    return { ...this.#emulator.configuration, baseUrls };
  }

  async cut(host: BoxHost, how: Cut): Promise<void> {
    await this.#ports.get(host)?.cut(how);
  }

  async restore(host: BoxHost): Promise<void> {
    await this.#ports.get(host)?.restore();
  }

  async close(): Promise<void> {
    for (const port of this.#ports.values()) await port.close();
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }

  #url(host: BoxHost): string {
    return `http://127.0.0.1:${this.#ports.get(host)?.number ?? 0}`;
  }

  /** Each of Box's hosts names the others by their own addresses. */
  #renamed(text: string): string {
    return text.replaceAll(ADDRESS, (_whole, path: string) => `${this.#url(HOST_OF[path] ?? 'api')}${path}`);
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { hostname, port } = new URL(this.#emulator.url);
    const { method, url: path, headers } = incoming;
    const asked = request({ hostname, port, method, path, headers }, (answer) => {
      answer.on('error', () => outgoing.destroy());
      const { location } = answer.headers;
      if (location !== undefined) answer.headers.location = this.#renamed(location);
      if (answer.headers['content-type']?.includes('json') === true) void this.#tell(answer, outgoing);
      else answer.pipe(outgoing.writeHead(answer.statusCode ?? 502, answer.headers));
    });
    asked.on('error', () => outgoing.destroy());
    outgoing.on('close', () => asked.destroy());
    incoming.on('error', () => asked.destroy());
    incoming.pipe(asked);
  }

  async #tell(answer: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    try {
      for await (const piece of answer) pieces.push(piece as Buffer);
    } catch {
      outgoing.destroy();
      return;
    }
    const body = Buffer.from(this.#renamed(Buffer.concat(pieces).toString()));
    const { 'transfer-encoding': _chunked, ...headers } = answer.headers;
    const length = { 'content-length': String(body.byteLength) };
    outgoing.writeHead(answer.statusCode ?? 502, { ...headers, ...length }).end(body);
  }
}
