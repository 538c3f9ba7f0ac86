import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Box's hosts, as far as a client asks them by itself. */
const HOSTS = ['api.box.com', 'upload.box.com', 'account.box.com'];
const EMULATOR_ADDRESS = /http:\/\/127\.0\.0\.1:\d+\/api\//g;

/** Addresses in an answer, such as an upload session's, lead back here: otherwise some clients would go past the proxy. */
async function forwardJson(answer: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const text = Buffer.concat(await answer.toArray())
    .toString()
    .replaceAll(EMULATOR_ADDRESS, 'https://upload.box.com/api/');
  const { 'content-length': _length, 'transfer-encoding': _encoding, ...headers } = answer.headers;
  outgoing.writeHead(answer.statusCode ?? 502, { ...headers, 'content-length': Buffer.byteLength(text) });
  outgoing.end(text);
}

/** Leads a client that knows only Box's own addresses to the emulator, for programs that cannot be told another. */
export async function startTlsProxy(emulatorUrl: string, directory: string) {
  const [key, certificate] = [join(directory, 'proxy.key'), join(directory, 'proxy.pem')];
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=box.com'],
    ...['-addext', `subjectAltName=${HOSTS.map((host) => `DNS:${host}`).join(',')}`],
    ...['-keyout', key, '-out', certificate],
  ]);
  const target = new URL(emulatorUrl);
  const inner = createTlsServer(
    { key: await readFile(key), cert: await readFile(certificate) },
    (incoming, outgoing) => {
      // Unpacked, so that addresses in answers can be found.
      const { 'accept-encoding': _packed, ...headers } = incoming.headers;
      const { method, url } = incoming;
      const onward = request(
        { host: target.hostname, port: target.port, method, path: url, headers },
        (answer) => {
          if (/json/.test(answer.headers['content-type'] ?? '')) return void forwardJson(answer, outgoing);
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
    certificatePath: certificate,
    url: `http://127.0.0.1:${port}`,
    close() {
      outer.closeAllConnections();
      outer.close();
      inner.closeAllConnections();
      inner.close();
    },
  };
}
