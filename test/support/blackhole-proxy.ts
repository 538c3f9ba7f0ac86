import { connect, createServer, type Socket } from 'node:net';

/** A proxy whose connections can go dead without being closed, as when a cable is cut. */
export interface BlackholeProxy {
  readonly port: number;
  /** From now on nothing passes on the connections that are open, for ever; new ones are refused until `restore`. */
  cut(): void;
  restore(): void;
  close(): Promise<void>;
}

/** Stand between clients and `port` on this machine. */
export async function openBlackholeProxy(port: number): Promise<BlackholeProxy> {
  const sockets = new Set<Socket>();
  const dead = new WeakSet<Socket>();
  let isCut = false;
  const server = createServer({ allowHalfOpen: true }, (inward) => {
    if (isCut) {
      inward.destroy();
      return;
    }
    const outward = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [inward, outward],
      [outward, inward],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => {
        if (!dead.has(from)) to.write(bytes);
      });
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        if (!dead.has(from)) to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut() {
      isCut = true;
      for (const socket of sockets) dead.add(socket);
    },
    restore() {
      isCut = false;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
