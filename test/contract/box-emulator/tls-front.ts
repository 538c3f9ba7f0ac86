import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Names under which clients that cannot be told another address look for Box. */
const HOSTS = ['api.box.com', 'upload.box.com', 'account.box.com'];

/** A proxy that stands in for Box's own hosts. */
export interface TlsFront {
  readonly proxyUrl: string;
  readonly certificatePath: string;
  close(): Promise<void>;
}

/**
 * Let a client that only knows Box's real addresses reach an emulator: a proxy to which it sends CONNECT, and behind it
 * those hosts over TLS, with a certificate made for this test alone.
 */
export async function startTlsFront(emulatorUrl: string, folder: string): Promise<TlsFront> {
  const [keyPath, certificatePath] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const names = HOSTS.map((host) => `DNS:${host}`).join(',');
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=api.box.com'],
    ...['-addext', `subjectAltName=${names}`, '-keyout', keyPath, '-out', certificatePath],
  ]);
  const target = new URL(emulatorUrl);
  const tls = createTlsServer(
    { key: await readFile(keyPath), cert: await readFile(certificatePath) },
    (incoming, outgoing) => {
      const forwarded = request(
        {
          host: target.hostname,
          port: target.port,
          method: incoming.method,
          path: incoming.url,
          headers: incoming.headers,
        },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        },
      );
      forwarded.on('error', () => outgoing.destroy());
      incoming.pipe(forwarded);
    },
  );
  await new Promise<void>((done) => tls.listen(0, '127.0.0.1', done));
  const proxy = createServer((_request, response) => response.writeHead(405).end());
  proxy.on('connect', (asked, socket) => {
    if (!HOSTS.includes(asked.url?.split(':')[0] ?? '')) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const inner = connect((tls.address() as AddressInfo).port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      inner.pipe(socket).pipe(inner);
    });
    inner.on('error', () => socket.destroy());
    socket.on('error', () => inner.destroy());
  });
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
  return {
    proxyUrl: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    certificatePath,
    async close() {
      tls.closeAllConnections();
      proxy.closeAllConnections();
      await Promise.all([new Promise((done) => tls.close(done)), new Promise((done) => proxy.close(done))]);
    },
  };
}
