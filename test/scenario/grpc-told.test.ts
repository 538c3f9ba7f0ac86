import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { connect } from 'node:net';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { exitCodeOf } from '../../src/cli/exit-codes.ts';
import type { GrpcSection } from '../../src/fl/config/grpc-section.ts';
import { defaultGrpcSection } from '../../src/fl/config/grpc-section.ts';
import { plainDetails } from '../../src/fl/transport/grpc/connection-diagnosis.ts';
import { clientCredentials, serverCredentials } from '../../src/fl/transport/grpc/credentials.ts';
import type { Environment } from '../../src/fl/transport/grpc/proxy.ts';
import { TestCertificates } from '../support/grpc-certificates.ts';
import { BareLinks, FAST_CHANNEL, GrpcPlayground } from '../support/grpc-federation.ts';

let certificates: TestCertificates;
let playground: GrpcPlayground;
let serverSection: GrpcSection;
const links = new BareLinks();
const servers: Server[] = [];
beforeAll(async () => {
  // As the program does.
  setLogVerbosity(logVerbosity.NONE);
  certificates = await TestCertificates.open();
  serverSection = await certificates.server('localhost');
});
afterAll(() => certificates.close());
beforeEach(async () => {
  playground = await GrpcPlayground.open();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) server.close();
  links.close();
  await playground.close();
});

const PLAIN = defaultGrpcSection();

const secureServer = async (section = serverSection, target = 'localhost:0') =>
  playground.server({ target, credentials: (await serverCredentials(section, Date.now())).credentials });

async function portOf(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A client's part in a run, with the environment in which it runs. */
async function joining(target: string, section: GrpcSection, environment: Environment = {}) {
  return playground.client(target, 'a', {
    security: await clientCredentials(section, Date.now(), environment),
    section: FAST_CHANNEL,
  });
}

/** The lines with which a client says what it waits for, once there is one. */
async function waitingLine(): Promise<string> {
  const find = () =>
    playground.ground.events.flatMap((each) =>
      each.event === 'waiting' && each.who === 'a' ? [each.message] : [],
    );
  await expect.poll(() => find().length, { timeout: 20_000 }).toBeGreaterThan(0);
  return find()[0] ?? '';
}

async function faultOf(joined: Promise<unknown>): Promise<Error & { code?: string; hint?: string }> {
  return joined.then(
    () => {
      throw new Error('it took part');
    },
    (error) => error,
  );
}

describe('one side is secure, the other is not:', () => {
  it('a client without TLS is told that the server wants it, and ends with exit 3', async () => {
    const server = await secureServer();
    const fault = await faultOf(joining(server.target, PLAIN));
    expect(fault).toMatchObject({
      code: 'secure-connection-wanted',
      message: `the server at ${server.target} takes secure connections only, and this client has use_secure_connection false`,
      hint: expect.stringContaining('use_secure_connection to true'),
    });
    expect(exitCodeOf(fault)).toBe(3);
  });

  it('a client with TLS is told that the server does not speak it, and ends with exit 3', async () => {
    const server = await playground.server({ target: 'localhost:0' });
    const fault = await faultOf(joining(server.target, await certificates.client('a')));
    expect(fault).toMatchObject({
      code: 'server-not-secure',
      message: `the server at ${server.target} speaks without TLS, and this client has use_secure_connection true`,
    });
    expect(exitCodeOf(fault)).toBe(3);
  });
});

describe('a server’s address', () => {
  it('is held against the certificate without being asked for by name', async () => {
    const warnings: string[] = [];
    const heed = (warning: Error & { code?: string }) => void warnings.push(warning.code ?? warning.name);
    process.on('warning', heed);
    try {
      const section = await certificates.server('localhost', '127.0.0.1', '::1');
      const server = await secureServer(section, '127.0.0.1:0');
      const security = await clientCredentials(await certificates.client('a'), Date.now());
      const link = links.to(server.target, security);
      expect((await link.authenticate('a', {})).value?.token).toMatch(/^\w{32}$/);
      const stranger = await secureServer(serverSection, '127.0.0.1:0');
      const fault = await faultOf(joining(stranger.target, await certificates.client('a')));
      expect(fault).toMatchObject({
        code: 'certificate-refused',
        message: expect.stringContaining("the server's certificate is for localhost, not for 127.0.0.1"),
      });
      expect(warnings).not.toContain('DEP0123');
    } finally {
      process.off('warning', heed);
    }
  });
});

describe('behind a proxy', () => {
  const PROXY = 'http://user:secret@127.0.0.1:9';

  it.each(['grpc_proxy', 'https_proxy', 'http_proxy'])(
    'that is dead, %s and no_proxy are named',
    async (variable) => {
      vi.stubEnv(variable, PROXY);
      vi.stubEnv('no_proxy', '');
      const server = await playground.server({ target: 'localhost:0' });
      void joining(server.target, PLAIN, { [variable]: PROXY }).catch(() => {});
      expect(await waitingLine()).toBe(
        `waiting for the server at ${server.target}: over the proxy http://127.0.0.1:9, which ${variable} names: nothing listens at 127.0.0.1:9 yet (connection refused); if the server needs no proxy, add localhost to no_proxy`,
      );
    },
  );

  it('that refuses, its answer is told', async () => {
    const proxy = createHttpServer();
    proxy.on('connect', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
    const url = `http://127.0.0.1:${await portOf(proxy)}`;
    vi.stubEnv('http_proxy', url);
    vi.stubEnv('no_proxy', '');
    const server = await playground.server({ target: 'localhost:0' });
    void joining(server.target, PLAIN, { http_proxy: url }).catch(() => {});
    expect(await waitingLine()).toContain(
      `over the proxy ${url}, which http_proxy names: it answers 403 Forbidden;`,
    );
  });

  it('that works, a secure server is found and wrong certificates are told', async () => {
    const proxy = createHttpServer();
    proxy.on('connect', ({ url = '' }, socket) => {
      const [host = '', port] = url.split(':');
      const onward = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      for (const end of [onward, socket]) end.on('error', () => {});
    });
    const url = `http://127.0.0.1:${await portOf(proxy)}`;
    vi.stubEnv('https_proxy', url);
    vi.stubEnv('no_proxy', '');
    const server = await secureServer();
    const fault = await faultOf(joining(server.target, PLAIN, { https_proxy: url }));
    expect(fault.code).toBe('secure-connection-wanted');
    const security = await clientCredentials(await certificates.client('a'), Date.now());
    expect((await links.to(server.target, security).authenticate('a', {})).code).toBe(0);
  });

  it('that no_proxy excepts, nothing is said of it', async () => {
    vi.stubEnv('http_proxy', PROXY);
    vi.stubEnv('no_proxy', 'example.org,localhost');
    const environment = { http_proxy: PROXY, no_proxy: 'example.org,localhost' };
    void joining('localhost:1', PLAIN, environment).catch(() => {});
    expect(await waitingLine()).toBe(
      'waiting for the server at localhost:1: nothing listens at localhost:1 yet (connection refused)',
    );
  });
});

describe('a waiting line has no empty parts:', () => {
  it('the host is unknown', async () => {
    void joining('nowhere.invalid:8024', PLAIN).catch(() => {});
    expect(await waitingLine()).toBe(
      'waiting for the server at nowhere.invalid:8024: no name server knows the host nowhere.invalid (grpc_configuration.target)',
    );
  });

  it('the server does not let this machine in', async () => {
    const lists = { blacklist: ['127.0.0.1'], whitelist: [], useWhitelist: false };
    const server = await playground.server({ lists });
    void joining(server.target, PLAIN).catch(() => {});
    expect(await waitingLine()).toContain('whitelist or blacklist may not let this machine in');
  });

  it('something else answers', async () => {
    const port = await portOf(createHttpServer((_, response) => response.end('hello')));
    void joining(`127.0.0.1:${port}`, PLAIN).catch(() => {});
    expect(await waitingLine()).toContain('speaks HTTP/1, not gRPC');
  });

  it('whatever grpc-js says', async () => {
    const reply = await links.to('127.0.0.1:1').authenticate('a', {});
    expect(reply.details).toBe('connect ECONNREFUSED 127.0.0.1:1');
    const empty = 'No connection established. Last error: undefined. Resolution note: ';
    expect(plainDetails(empty)).toBe('no connection comes about');
    const dated =
      'No connection established. Last error: Failed to connect (2026-01-01T00:00:00Z). Resolution note: ';
    expect(plainDetails(dated)).toBe('no connection comes about');
    expect(plainDetails('Registration is closed.')).toBe('Registration is closed.');
  });
});
