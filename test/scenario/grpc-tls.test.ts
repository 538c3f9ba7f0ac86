import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defaultGrpcSection } from '../../src/fl/config/grpc-section.ts';
import type { GrpcFederationServerOptions } from '../../src/fl/grpc-server.ts';
import type { Identity } from '../../src/fl/transport/grpc/certificate-authority.ts';
import { createRoot, issueCertificate } from '../../src/fl/transport/grpc/certificate-authority.ts';
import { clientCredentials, serverCredentials } from '../../src/fl/transport/grpc/credentials.ts';
import { seededRandom } from '../../src/random.ts';
import { numberExecutor } from '../support/federation.ts';
import { FAST_CHANNEL, GrpcPlayground } from '../support/grpc-federation.ts';
import { hasPythonGrpc, pythonPeer } from '../support/python-grpc.ts';

const DAY_MS = 86_400_000;
const now = Date.now();
const lasting = { nowMs: now, days: 2 };
/** Made ten days ago, for one day. */
const past = { nowMs: now - 10 * DAY_MS, days: 1 };

let directory: string;
let playground: GrpcPlayground;

async function store(name: string, root: Identity, own: Identity) {
  const path = (suffix: string) => join(directory, `${name}.${suffix}`);
  await writeFile(path('crt'), own.certificate);
  await writeFile(path('key'), own.privateKey);
  await writeFile(path('root'), root.certificate);
  return {
    ...defaultGrpcSection(),
    use_secure_connection: true,
    ssl_private_key: path('key'),
    ssl_cert: path('crt'),
    ssl_root_cert: path('root'),
  };
}

type Section = Awaited<ReturnType<typeof store>>;
const sections: Record<'server' | 'elsewhere' | 'old' | 'a' | 'b' | 'py' | 'stranger' | 'expired', Section> =
  {} as never;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mila-tls-'));
  const random = seededRandom(7);
  const root = await createRoot('one', lasting, random);
  const other = await createRoot('another', lasting, random);
  const host = (hosts: readonly string[]) => ({ kind: 'server', hosts }) as const;
  const client = (name: string) => ({ kind: 'client', name }) as const;
  const issue = (from: Identity, subject: Parameters<typeof issueCertificate>[1], validity = lasting) =>
    issueCertificate(from, subject, validity, random);
  sections.server = await store('server', root, await issue(root, host(['localhost', '127.0.0.1', '::1'])));
  sections.elsewhere = await store('elsewhere', root, await issue(root, host(['server.example.org'])));
  const oldRoot = await createRoot('old', { ...past, days: 100 }, random);
  sections.old = await store('old', oldRoot, await issue(oldRoot, host(['localhost']), past));
  sections.a = await store('a', root, await issue(root, client('a')));
  sections.b = await store('b', root, await issue(root, client('b')));
  sections.py = await store('py', root, await issue(root, client('py')));
  sections.stranger = await store('stranger', root, await issue(other, client('stranger')));
  sections.expired = await store('expired', root, await issue(root, client('expired'), past));
});
afterAll(() => rm(directory, { recursive: true, force: true }));
beforeEach(async () => {
  playground = await GrpcPlayground.open();
});
afterEach(() => playground.close());

const serve = async (section: Section, nowMs = now, overrides: Partial<GrpcFederationServerOptions> = {}) =>
  playground.server({
    target: 'localhost:0',
    ...overrides,
    credentials: (await serverCredentials(section, nowMs)).credentials,
  });

const join_ = async (
  target: string,
  name: string,
  section: Section,
  options: (typeof FAST_CHANNEL)['options'] = [],
) =>
  playground.client(target, name, {
    security: await clientCredentials(section, now),
    section: { ...FAST_CHANNEL, options: [...FAST_CHANNEL.options, ...options] },
    executor: numberExecutor(1),
  });

it('runs a federation in which both sides show certificates', async () => {
  const server = await serve(sections.server);
  const [outcome, a, b] = await Promise.all([
    server.outcome,
    join_(server.target, 'a', sections.a),
    join_(server.target, 'b', sections.b),
  ]);
  expect([outcome.ending?.kind, a.ending?.kind, b.ending?.kind]).toEqual([
    'finished',
    'finished',
    'finished',
  ]);
});

it('keeps a name for the certificate that took it', async () => {
  const server = await serve(sections.server, now, { names: 'any' });
  const holder = join_(server.target, 'a', sections.a);
  await expect.poll(() => playground.ground.eventsOf('server')).toContain('registered');
  const impostor = playground.client(server.target, 'a', {
    security: await clientCredentials(sections.b, now),
    savePath: join(directory, 'impostor'),
  });
  await expect(impostor).rejects.toThrow('The name a is taken.');
  server.stop();
  await Promise.allSettled([holder, server.outcome]);
});

describe('says what is wrong with a certificate:', () => {
  it('the server does not trust the client', async () => {
    const server = await serve(sections.server);
    await expect(join_(server.target, 'stranger', sections.stranger)).rejects.toMatchObject({
      name: 'AuthError',
      code: 'certificate-refused',
    });
  });

  it('the server is somebody else, unless another name is expected of it', async () => {
    const server = await serve(sections.elsewhere);
    await expect(join_(server.target, 'a', sections.a)).rejects.toThrow(/altnames/);
    const override = [['grpc.ssl_target_name_override', 'server.example.org']] as const;
    const joined = join_(
      server.target,
      'a',
      sections.a,
      override.map(([key, value]) => [key, value]),
    );
    await expect.poll(() => playground.ground.eventsOf('server')).toContain('registered');
    server.stop();
    await Promise.allSettled([joined, server.outcome]);
  });

  it("the server's has expired, as the server itself says before it listens", async () => {
    await expect(serverCredentials(sections.old, now)).rejects.toMatchObject({ code: 'certificate-expired' });
    // A server whose clock is wrong: the client sees it.
    const server = await serve(sections.old, now - 10 * DAY_MS);
    const trusting = { ...sections.a, ssl_root_cert: sections.old.ssl_root_cert };
    await expect(join_(server.target, 'a', trusting)).rejects.toThrow(/certificate has expired/);
  });

  it("the client's own has expired", async () => {
    await expect(clientCredentials(sections.expired, now)).rejects.toMatchObject({
      code: 'certificate-expired',
      message: expect.stringContaining('expired.crt'),
    });
  });

  it('key, certificate and root do not go together', async () => {
    const mixed = { ...sections.a, ssl_private_key: sections.b.ssl_private_key };
    await expect(clientCredentials(mixed, now)).rejects.toMatchObject({ code: 'key-mismatch' });
    const { warnings } = await clientCredentials(sections.stranger, now);
    expect(warnings[0]).toMatch(/was not issued by/);
    const missing = { ...sections.a, ssl_cert: join(directory, 'nowhere.crt') };
    await expect(clientCredentials(missing, now)).rejects.toMatchObject({ code: 'certificate-missing' });
    const wrong = { ...sections.a, ssl_cert: sections.a.ssl_private_key };
    await expect(clientCredentials(wrong, now)).rejects.toMatchObject({ code: 'certificate-malformed' });
  });
});

it('warns of a connection that is not secure', async () => {
  const { warnings } = await serverCredentials(defaultGrpcSection(), now);
  expect(warnings[0]).toMatch(/not secure/);
});

describe.skipIf(!hasPythonGrpc())('with peers of kMoL', () => {
  it('admits a client that shows a certificate, and not one without', async () => {
    const server = await serve(sections.server);
    const tls = {
      root: sections.py.ssl_root_cert,
      key: sections.py.ssl_private_key,
      cert: sections.py.ssl_cert,
      override: 'localhost',
    };
    const python = pythonPeer('client', [`127.0.0.1:${server.port}`, 'py', '1'], { tls });
    const bare = await pythonPeer('client', [`127.0.0.1:${server.port}`, 'bare', '1']).done;
    expect(bare.at(-1)).toMatchObject({ ended: 'UNAVAILABLE' });
    const [outcome] = await Promise.all([server.outcome, join_(server.target, 'b', sections.b), python.done]);
    expect(outcome.ending?.kind).toBe('finished');
  });

  it('takes part at a server that wants certificates', async () => {
    const { ssl_root_cert: root, ssl_private_key: key, ssl_cert: cert } = sections.server;
    const server = pythonPeer('server', ['-', '2', '1'], { tls: { root, key, cert } });
    const target = `localhost:${String((await server.first('port'))['port'])}`;
    const { ending } = await join_(target, 'a', sections.a);
    expect(ending?.kind).toBe('finished');
    await server.done;
  });
});
