import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type LogFields, type Logger, silentLogger } from '../../../src/logger.ts';
import { digest, Rig } from './rig.ts';

let rig: Rig;
let token: string;
let top: string;
let count = 0;
let folder: string;
let failures: (LogFields & { readonly message: string })[] = [];
const logger: Logger = {
  ...silentLogger,
  error: (fields, message) => {
    failures.push({ ...fields, message });
  },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'emulator-hostile-'));
  rig = await Rig.open({
    logger,
    dataDir: folder,
    partSizeBytes: 65_536,
    chunkedMinimumBytes: 1000,
    fileSizeMaxBytes: 50_000_000,
  });
  token = await rig.service();
  top = await rig.folder(token, '0', 'top');
});
afterAll(async () => {
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

// Nothing that a client does is the emulator's own failure: no input may end in a line of the level error.
afterEach(() => {
  const seen = failures;
  failures = [];
  expect(seen).toEqual([]);
});

const alive = async () => expect((await rig.get('/2.0/users/me', token)).status).toBe(200);

/** Send bytes as they are and give back what comes within a bounded time. */
function raw(bytes: string | Buffer, end = false, waitMs = 2000): Promise<string> {
  const { hostname, port } = new URL(rig.url);
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname);
    const timer = setTimeout(() => socket.destroy(), waitMs);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (text.includes('\r\n\r\n')) setTimeout(() => socket.destroy(), 20);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
    socket.write(bytes);
    if (end) socket.end();
  });
}

const head = (line: string, headers: Readonly<Record<string, string | number>>) =>
  `${line} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);

describe('hostile input', () => {
  it('meets malformed JSON with 400 in Box’s shape', async () => {
    const bodies = [
      '{',
      '[]',
      'null',
      '"x"',
      '5',
      '{"name":5,"parent":{"id":"0"}}',
      '{"parent":[]}',
      '{"name":"x","parent":null}',
      `${'['.repeat(50_000)}`,
      '\u0000',
      '{"__proto__":{"x":1}}',
    ];
    for (const body of bodies) {
      const answer = await rig.call('POST', '/2.0/folders', { token, body });
      expect([body.slice(0, 20), answer.status, answer.body?.type]).toEqual([
        body.slice(0, 20),
        400,
        'error',
      ]);
    }
    await alive();
  });

  it('never fails with 500 on any JSON that is thrown at any endpoint', { timeout: 60_000 }, async () => {
    const places = [
      ['POST', '/2.0/folders'],
      ['POST', '/2.0/users'],
      ['POST', '/2.0/groups'],
      ['POST', '/2.0/group_memberships'],
      ['POST', '/2.0/collaborations'],
      ['POST', '/2.0/web_links'],
      ['POST', '/2.0/files/upload_sessions'],
      ['OPTIONS', '/2.0/files/content'],
      ['PUT', `/2.0/folders/${top}`],
      ['POST', `/2.0/folders/${top}/copy`],
      ['POST', '/_emulator/faults'],
      ['POST', '/_emulator/settings'],
      ['POST', '/_emulator/app'],
      ['POST', '/_emulator/folders'],
    ] as const;
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom('0', top, -1, 1e300, '', 'x'.repeat(5000)),
    );
    const names = fc.constantFrom(
      'name',
      'parent',
      'id',
      'item',
      'accessible_by',
      'role',
      'user',
      'group',
      'file_size',
      'folder_id',
      'file_name',
      'login',
      'url',
      'size',
      'match',
      'action',
      'tags',
      'description',
      'scopes',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...places),
        fc.dictionary(names, value),
        async ([method, path], json) => {
          // A setting or a fault that is accepted by accident would change what the next request meets.
          if (path === '/_emulator/settings' || path === '/_emulator/app')
            fc.pre(Object.keys(json).length > 0 && !('scopes' in json));
          const answer = await rig.call(method, path, { token, json });
          expect(answer.status).toBeLessThan(500);
        },
      ),
      { numRuns: 300 },
    );
    await rig.control('DELETE', '/faults');
    await alive();
  });

  it('keeps path tricks out of names and never lets them reach the disk', async () => {
    for (const name of [
      '../../etc/passwd',
      '..\\..\\x',
      '..',
      '.',
      '/etc/passwd',
      'a\u0000b',
      'x/../y',
      '\u007f',
    ]) {
      const answer = await rig.upload(token, { name, parent: { id: top } }, 'x');
      expect([name, answer.status]).toEqual([name, 400]);
    }
    const odd = [
      'CON',
      'a:b*?"<>|',
      '%2e%2e%2f',
      'ﬁ\u202Egnp.exe',
      '🙂'.repeat(100),
      "'; DROP TABLE items; --",
      ' lead',
      '\ud800',
    ];
    for (const name of odd) {
      const made = await rig.upload(token, { name, parent: { id: top } }, name);
      expect([name, made.status]).toEqual([name, 201]);
      expect((await rig.download(token, made.body.entries[0].id)).toString()).toBe(
        Buffer.from(name).toString(),
      );
    }
  });

  it('drops illegal characters of a file’s name where it is set so, and tells the name it took', async () => {
    await rig.settings({ illegalFileNames: 'sanitize' });
    const made = await rig.upload(token, { name: '../se/cret\u0007 ', parent: { id: top } }, 'x');
    expect(made.body.entries[0].name).toBe('..secret');
    await rig.settings({ illegalFileNames: 'reject' });
  });

  it('takes no path and no query apart wrongly', async () => {
    for (const path of [
      '/2.0/files/%zz',
      '/2.0/files/..%2f..',
      '/2.0//files//1',
      '/2.0/files/1/../../users/me',
      `/2.0/files/${'9'.repeat(400)}`,
      '/2.0/files/-1',
      '/2.0/files/1e3',
      '/2.0/folders/0/items?limit=x',
      '/2.0/folders/0/items?limit=-1',
      '/2.0/folders/0/items?offset=1e9',
      '/2.0/folders/0/items?marker=%00&usemarker=true',
      '/2.0/events?stream_position=99999999999999999999',
      '/2.0/folders/0/items?fields=__proto__,constructor,toString',
    ])
      expect(statusOf(await raw(head(`GET ${path}`, {})))).toBeLessThan(500);
    const prototype = await rig.get('/2.0/folders/0/items?fields=__proto__,constructor', token);
    expect(Object.keys(prototype.body.entries[0]).sort()).toEqual(['etag', 'id', 'type']);
    await alive();
  });

  it('survives uploads that are cut short, at every point, and keeps nothing of them', async () => {
    const name = `cut-${++count}`;
    const body = `--B\r\nContent-Disposition: form-data; name="attributes"\r\n\r\n${JSON.stringify({ name, parent: { id: top } })}\r\n--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n${'x'.repeat(100_000)}\r\n--B--\r\n`;
    const full =
      head('POST /api/2.0/files/content', {
        'content-type': 'multipart/form-data; boundary=B',
        'content-length': body.length,
      }) + body;
    for (const part of [0.3, 0.5, 0.9, 0.999])
      await raw(full.slice(0, Math.floor(full.length * part)), true, 300);
    expect((await rig.get(`/2.0/folders/${top}/items?limit=1000&fields=name`, token)).text).not.toContain(
      name,
    );
    await expect.poll(async () => statusOf(await raw(full)), { timeout: 15_000 }).toBe(201);
    const unfinished = async () =>
      (await readdir(join(folder, 'content'))).filter((each) => each.endsWith('.part'));
    await expect.poll(unfinished, { timeout: 15_000 }).toEqual([]);
    await alive();
  });

  it('refuses multipart that is none, or is endless', async () => {
    const post = (type: string, body: string) =>
      rig.call('POST', '/api/2.0/files/content', { token, body, headers: { 'content-type': type } });
    expect((await post('multipart/form-data', 'x')).status).toBe(415);
    for (const [type, body] of [
      ['multipart/form-data; boundary=B', 'no boundary at all'],
      ['multipart/form-data; boundary=B', '--B\r\n\r\n'],
      ['multipart/form-data; boundary=B', `--B\r\n${'x: y\r\n'.repeat(5000)}\r\n--B--`],
      [
        'multipart/form-data; boundary=B',
        `${'--B\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n'.repeat(3000)}--B--`,
      ],
      [
        'multipart/form-data; boundary=B',
        `--B\r\nContent-Disposition: form-data; name="attributes"\r\n\r\n${'x'.repeat(400_000)}\r\n--B--`,
      ],
    ] as const)
      expect([body.slice(0, 30), (await post(type, body)).status]).toEqual([body.slice(0, 30), 400]);
    await alive();
  });

  it('bounds bodies, headers and announced lengths', async () => {
    const big = await rig
      .call('POST', '/2.0/folders', { token, body: 'x'.repeat(9_000_000) })
      .catch(() => undefined);
    if (big !== undefined) expect(big.status).toBe(413);
    expect(statusOf(await raw(head('POST /2.0/folders', { 'content-length': '99999999999999' })))).toBe(413);
    expect(statusOf(await raw(head('POST /2.0/folders', { 'content-length': '-5' })))).toBe(400);
    expect(statusOf(await raw(head('GET /2.0/users/me', { x: 'y'.repeat(100_000) })))).toBeGreaterThanOrEqual(
      400,
    );
    expect(statusOf(await raw('NONSENSE\r\n\r\n'))).toBe(400);
    expect(statusOf(await raw(head('BREW /2.0/users/me', {})))).toBeLessThan(500);
    await alive();
  });

  it('answers bad ranges without giving what was not asked for', async () => {
    const id = await rig.file(token, top, `ranged-${++count}`, '0123456789');
    const location = (await rig.get(`/2.0/files/${id}/content`, token)).headers.get('location') ?? '';
    for (const range of [
      'bytes=5-2',
      'bytes=a-b',
      'bytes=-',
      'items=0-1',
      'bytes=0-1,3-4',
      'bytes=99999999999999999999-',
      'bytes=--1',
    ]) {
      const answer = await fetch(location, { headers: { range } });
      expect([range, answer.status, await answer.text()]).toEqual([range, 200, '0123456789']);
    }
    for (const range of ['bytes=10-', 'bytes=-0', 'bytes=999999999-'])
      expect((await fetch(location, { headers: { range } })).status).toBe(416);
  });

  it('takes no part outside its session’s file', async () => {
    const session = (
      await rig.call('POST', '/2.0/files/upload_sessions', {
        token,
        json: { folder_id: top, file_size: 200_000, file_name: `p-${++count}` },
      })
    ).body;
    for (const range of [
      'bytes 999999936-1000000000/200000',
      'bytes 65536-0/200000',
      'bytes 0-199999/200000',
      'bytes 0--1/200000',
      'bytes */200000',
    ]) {
      const answer = await rig.call('PUT', session.session_endpoints.upload_part, {
        token,
        body: Buffer.alloc(10),
        headers: { 'content-range': range, digest: digest(Buffer.alloc(10)) },
      });
      expect([400, 416]).toContain(answer.status);
    }
    for (const path of ['../x', `${'A'.repeat(32)}`, '%00'])
      expect((await rig.get(`/2.0/files/upload_sessions/${path}`, token)).status).toBeLessThan(500);
    await alive();
  });

  it('keeps nothing of a part that is cut short, and takes it again', async () => {
    const bytes = Buffer.alloc(65_536, 'p');
    const session = (
      await rig.call('POST', '/2.0/files/upload_sessions', {
        token,
        json: { folder_id: top, file_size: 200_000, file_name: `cut-part-${++count}` },
      })
    ).body;
    const { pathname } = new URL(session.session_endpoints.upload_part);
    const headers = { 'content-range': 'bytes 0-65535/200000', digest: digest(bytes) };
    const start = head(`PUT ${pathname}`, { ...headers, 'content-length': bytes.length });
    await raw(start + bytes.subarray(0, 30_000).toString(), true, 300);
    expect((await rig.get(session.session_endpoints.list_parts, token)).body.entries).toEqual([]);
    const whole = () =>
      rig.call('PUT', session.session_endpoints.upload_part, { token, body: bytes, headers });
    await expect.poll(async () => (await whole()).status, { timeout: 15_000 }).toBe(200);
    expect((await rig.get(session.session_endpoints.list_parts, token)).body.total_count).toBe(1);
  });

  it('lets a part that is sent again wait for the first, and takes it when the first breaks off', async () => {
    const bytes = Buffer.alloc(65_536, 'q');
    const { session_endpoints: urls } = (
      await rig.call('POST', '/2.0/files/upload_sessions', {
        token,
        json: { folder_id: top, file_size: 200_000, file_name: `twice-${++count}` },
      })
    ).body;
    const headers = { 'content-range': 'bytes 0-65535/200000', digest: digest(bytes) };
    const whole = () => rig.call('PUT', urls.upload_part, { token, body: bytes, headers });
    await rig.control('POST', '/stats/reset');
    const { hostname, port } = new URL(rig.url);
    const first = connect(Number(port), hostname);
    first.on('error', () => undefined);
    const start = head(`PUT ${new URL(urls.upload_part).pathname}`, { ...headers, 'content-length': 65_536 });
    first.write(start + bytes.subarray(0, 30_000).toString());
    const received = async () => (await rig.control('GET', '/stats')).body.bytes_up;
    await expect.poll(received, { timeout: 15_000 }).toBe(30_000);
    const calls = async () => (await rig.control('GET', '/stats')).body.calls.total;
    const before = await calls();
    const second = whole();
    await expect.poll(calls, { timeout: 15_000 }).toBe(before + 1);
    first.destroy();
    expect((await second).status).toBe(200);
    expect((await whole()).body.message).toMatch(/\{id: [0-9A-F]{8}\}$/);
  });

  it('shows nobody another user’s data, whatever id he tries', async () => {
    const secret = await rig.folder(token, '0', `secret-${++count}`);
    const file = await rig.file(token, secret, 'hidden-name', 'hidden-content');
    const { token: stranger } = await rig.appUser('stranger');
    const tries: readonly (readonly [string, string, unknown?])[] = [
      ['GET', `/2.0/files/${file}`],
      ['GET', `/2.0/files/${file}/content`],
      ['GET', `/2.0/files/${file}/versions`],
      ['GET', `/2.0/files/${file}/trash`],
      ['GET', `/2.0/files/${file}/collaborations`],
      ['GET', `/2.0/folders/${secret}`],
      ['GET', `/2.0/folders/${secret}/items`],
      ['GET', `/2.0/folders/${secret}/collaborations`],
      ['PUT', `/2.0/files/${file}`, { name: 'mine' }],
      ['PUT', `/2.0/files/${file}`, { parent: { id: '0' } }],
      ['POST', `/2.0/files/${file}/copy`, { parent: { id: '0' } }],
      ['POST', `/2.0/folders/${secret}/copy`, { parent: { id: '0' } }],
      ['POST', '/2.0/folders', { name: 'in', parent: { id: secret } }],
      [
        'POST',
        '/2.0/collaborations',
        {
          item: { type: 'folder', id: secret },
          accessible_by: { type: 'user', id: rig.running.adminUserId },
          role: 'editor',
        },
      ],
      ['OPTIONS', `/2.0/files/${file}/content`, { size: 1 }],
      ['POST', `/2.0/files/${file}/upload_sessions`, { file_size: 5000 }],
      ['DELETE', `/2.0/files/${file}`],
      ['DELETE', `/2.0/folders/${secret}?recursive=true`],
    ];
    for (const [method, path, json] of tries) {
      const answer = await rig.call(method, path, {
        token: stranger,
        ...(json === undefined ? {} : { json }),
      });
      expect([method, path, answer.status]).toEqual([method, path, 404]);
      expect(answer.text).not.toContain('hidden');
    }
    expect((await rig.version(stranger, file, 'x')).status).toBe(404);
  });
});
