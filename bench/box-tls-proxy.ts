import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Leads a client that knows only Box's own addresses to the emulator, for programs that cannot be told another. */
export async function startTlsProxy(emulatorUrl: string, directory: string) {
  const [key, certificate] = [join(directory, 'proxy.key'), join(directory, 'proxy.pem')];
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=box.com'],
    ...['-keyout', key, '-out', certificate],
  ]);
  const target = new URL(emulatorUrl);
  const inner = createTlsServer(
    { key: await readFile(key), cert: await readFile(certificate) },
    (incoming, outgoing) => {
      const { method, url, headers } = incoming;
      const onward = request(
        { host: target.hostname, port: target.port, method, path: url, headers },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        },
      );
      onward.on('error', () => outgoing.destroy());
      incoming.pipe(onward);
    },
  );
  const innerPort = await listen(inner);
  const outer = createServer().on('connect', (_request, client) => {
    const tunnel = connect(innerPort, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      tunnel.pipe(client).pipe(tunnel);
    });
    tunnel.on('error', () => client.destroy());
    client.on('error', () => tunnel.destroy());
  });
  const port = await listen(outer);
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      outer.closeAllConnections();
      outer.close();
      inner.closeAllConnections();
      inner.close();
    },
  };
}
