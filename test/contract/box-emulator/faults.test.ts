import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Rig } from './rig.ts';

let rig: Rig;
let token: string;
let top: string;
let count = 0;

beforeAll(async () => {
  rig = await Rig.open();
  token = await rig.service();
  top = await rig.folder(token, '0', 'top');
});
afterEach(() => rig.control('DELETE', '/faults'));
afterAll(() => rig.close());

const arm = (match: unknown, action: unknown, extra = {}) =>
  rig.control('POST', '/faults', { match, action, ...extra });
const contentPath = '/2.0/files/*/content';

/** What really arrives, byte for byte, within a bounded time; fetch would hide how a connection ends. */
function rawGet(url: string, waitMs = 1000): Promise<{ readonly bytes: Buffer; readonly ended: boolean }> {
  const { hostname, port, pathname, search } = new URL(url);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname);
    const finish = (ended: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ bytes: Buffer.concat(chunks), ended });
    };
    const timer = setTimeout(() => finish(false), waitMs);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('close', () => finish(true));
    socket.on('error', () => finish(true));
    socket.write(
      `GET ${pathname}${search} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${token}\r\n\r\n`,
    );
  });
}

describe('faults', () => {
  it('answer with a status instead, as often as they were told, after as many as they were told', async () => {
    await arm(
      { path: '/2.0/users/me' },
      { kind: 'status', status: 503, headers: { 'retry-after': '2' } },
      { times: 2, after: 1 },
    );
    const answers = [];
    for (let call = 0; call < 4; call += 1) answers.push(await rig.get('/2.0/users/me', token));
    expect(answers.map((answer) => answer.status)).toEqual([200, 503, 503, 200]);
    expect(answers[1]?.headers.get('retry-after')).toBe('2');
    expect(answers[1]?.body).toMatchObject({ type: 'error', status: 503, code: 'unavailable' });
  });

  it('answer in HTML, as a proxy does', async () => {
    await arm(
      { path: '/2.0/users/*' },
      { kind: 'status', status: 502, body: '<h1>Bad Gateway</h1>' },
      { times: 1 },
    );
    const answer = await rig.get('/2.0/users/me', token);
    expect(answer.headers.get('content-type')).toContain('text/html');
    expect(answer.text).toBe('<h1>Bad Gateway</h1>');
  });

  it('say 503 although the write took effect', async () => {
    const name = `kept-${++count}`;
    await arm(
      { method: 'POST', path: '/2.0/files/content' },
      { kind: 'status', status: 503, when: 'after' },
      { times: 1 },
    );
    expect((await rig.upload(token, { name, parent: { id: top } }, 'x')).status).toBe(503);
    const again = await rig.upload(token, { name, parent: { id: top } }, 'x');
    expect(again).toMatchObject({ status: 409, body: { context_info: { conflicts: { name } } } });
  });

  it('cut the connection before or after the effect', async () => {
    const names = [`before-${++count}`, `after-${count}`];
    for (const [index, kind] of ['drop_before', 'drop_after'].entries()) {
      await arm({ method: 'POST', path: '/2.0/folders' }, { kind }, { times: 1 });
      const json = { name: names[index], parent: { id: top } };
      await expect(rig.call('POST', '/2.0/folders', { token, json })).rejects.toThrow();
    }
    const { entries } = (await rig.get(`/2.0/folders/${top}/items?limit=1000`, token)).body;
    const found = entries.map((entry: { name: string }) => entry.name);
    expect([found.includes(names[0]), found.includes(names[1])]).toEqual([false, true]);
  });

  it('truncate a download: with its length announced it hangs, in chunks it breaks off', async () => {
    const id = await rig.file(token, top, `cut-${++count}`, 'x'.repeat(100_000));
    const location = (await rig.get(`/2.0/files/${id}/content`, token)).headers.get('location') ?? '';
    await arm({ method: 'GET', path: contentPath }, { kind: 'truncate', at: 1000 }, { times: 1 });
    const hanging = await rawGet(location);
    expect(hanging.ended).toBe(false);
    expect(hanging.bytes.toString('latin1')).toContain('content-length: 100000');
    expect(hanging.bytes.toString('latin1').split('\r\n\r\n')[1]).toHaveLength(1000);
    await arm(
      { method: 'GET', path: contentPath },
      { kind: 'truncate', at: 1000, chunked: true },
      { times: 1 },
    );
    await expect(fetch(location).then((response) => response.arrayBuffer())).rejects.toThrow();
    expect((await (await fetch(location)).text()).length).toBe(100_000);
  });

  it('corrupt one byte of a download', async () => {
    const id = await rig.file(token, top, `wrong-${++count}`, 'x'.repeat(1000));
    await arm({ path: contentPath }, { kind: 'corrupt', at: 10 }, { times: 1 });
    const bytes = await rig.download(token, id);
    expect(bytes).toHaveLength(1000);
    expect(bytes.filter((byte) => byte !== 'x'.charCodeAt(0))).toHaveLength(1);
    expect(bytes[10]).not.toBe('x'.charCodeAt(0));
  });

  it('stall: no answer at all, or one that stops in the middle', async () => {
    await arm({ path: '/2.0/users/me' }, { kind: 'stall' }, { times: 1 });
    const silent = await rawGet(`${rig.url}/2.0/users/me`);
    expect([silent.ended, silent.bytes.length]).toEqual([false, 0]);
    await arm({ path: '/2.0/users/me' }, { kind: 'stall', at: 5 }, { times: 1 });
    const middle = await rawGet(`${rig.url}/2.0/users/me`);
    expect([middle.ended, middle.bytes.toString().split('\r\n\r\n')[1]]).toEqual([false, '{"typ']);
  });

  it('delay one user and nobody else', async () => {
    const slow = await rig.appUser(`slow-${++count}`);
    await arm({ user: `slow-${count}` }, { kind: 'delay', ms: 1500 });
    const timed = async (who: string) => {
      const started = performance.now();
      await rig.get('/2.0/users/me', who);
      return performance.now() - started;
    };
    expect(await timed(slow.token)).toBeGreaterThan(1495);
    expect(await timed(token)).toBeLessThan(1495);
  });

  it('lose or double the last entry of a listing', async () => {
    const folder = await rig.folder(token, top, `pages-${++count}`);
    for (const name of ['a', 'b']) await rig.file(token, folder, name);
    const names = async () =>
      (await rig.get(`/2.0/folders/${folder}/items`, token)).body.entries.map(
        (each: { name: string }) => each.name,
      );
    await arm({ path: '/2.0/folders/*/items' }, { kind: 'listing', effect: 'omit' }, { times: 1 });
    expect(await names()).toEqual(['a']);
    await arm({ path: '/2.0/folders/*/items' }, { kind: 'listing', effect: 'double' }, { times: 1 });
    expect(await names()).toEqual(['a', 'b', 'b']);
    expect(await names()).toEqual(['a', 'b']);
  });

  it('strike the long poll: an answer that it never gives, silence, and one that stops in the middle', async () => {
    const { url } = (await rig.call('OPTIONS', '/2.0/events', { token })).body.entries[0];
    for (const message of ['max_retries', 'something new']) {
      const body = { version: 1, message };
      await arm({ path: '/subscribe' }, { kind: 'status', status: 200, body }, { times: 1 });
      expect((await rig.get(url, token)).body).toEqual(body);
    }
    await arm({ path: '/subscribe' }, { kind: 'stall' }, { times: 1 });
    const silent = await rawGet(url, 300);
    expect([silent.ended, silent.bytes.length]).toEqual([false, 0]);
    await rig.settings({ longPollHoldMs: 10 });
    await arm({ path: '/subscribe' }, { kind: 'stall', at: 3 }, { times: 1 });
    const halfOpen = await rawGet(url, 300);
    expect([halfOpen.ended, halfOpen.bytes.toString().split('\r\n\r\n')[1]]).toEqual([false, '{"v']);
    await arm({ path: '/subscribe' }, { kind: 'drop_before' }, { times: 1 });
    expect(await rawGet(url, 5000)).toEqual({ ended: true, bytes: Buffer.alloc(0) });
    await rig.settings({ longPollHoldMs: 600_000 });
  });

  it('can be taken back, and are refused when they make no sense', async () => {
    const id = (await arm({}, { kind: 'status', status: 500 })).body.id;
    expect((await rig.get('/2.0/users/me', token)).status).toBe(500);
    expect((await rig.control('DELETE', `/faults/${id}`)).status).toBe(204);
    expect((await rig.get('/2.0/users/me', token)).status).toBe(200);
    expect((await rig.control('DELETE', `/faults/${id}`)).status).toBe(404);
    for (const action of [{ kind: 'unknown' }, { kind: 'status', status: 9 }, { kind: 'delay' }])
      expect((await arm({}, action)).status).toBe(400);
  });

  it('make two folders of one name, as real accounts have been seen to hold', async () => {
    for (let twice = 0; twice < 2; twice += 1)
      await rig.control('POST', '/folders', { parent_id: top, name: 'twin' });
    const { entries } = (await rig.get(`/2.0/folders/${top}/items?limit=1000`, token)).body;
    expect(entries.filter((entry: { name: string }) => entry.name === 'twin')).toHaveLength(2);
  });
});

describe('settings and counters', () => {
  it('count calls by user and endpoint, bytes both ways, and what was throttled', async () => {
    const { token: counted, id } = await rig.appUser('counted');
    await rig.control('POST', '/stats/reset');
    await rig.get('/2.0/users/me', counted);
    await rig.get('/2.0/folders/0/items', counted);
    const file = await rig.file(counted, '0', 'ten', '1234567890');
    await rig.download(counted, file);
    const { body } = await rig.control('GET', '/stats');
    expect(body.calls).toMatchObject({
      total: 4,
      by_user: { counted: 4 },
      by_user_id: { [id]: 4 },
      by_endpoint: {
        'GET /2.0/users/me': 1,
        'GET /2.0/folders/:id/items': 1,
        'POST /2.0/files/content': 1,
        'GET /2.0/files/:id/content': 1,
      },
    });
    expect(body.bytes_up).toBeGreaterThan(10);
    expect(body.bytes_down).toBeGreaterThan(10);
    expect(body).toMatchObject({ throttled: 0, open_long_polls: 0 });
  });

  it('slow transfers down and answers', async () => {
    const id = await rig.file(token, top, `paced-${++count}`, 'x'.repeat(40_000));
    await rig.settings({ bandwidthBytesPerSecond: 200_000 });
    let started = performance.now();
    await rig.download(token, id);
    expect(performance.now() - started).toBeGreaterThan(150);
    started = performance.now();
    await rig.version(token, id, 'y'.repeat(40_000));
    expect(performance.now() - started).toBeGreaterThan(150);
    await rig.settings({ bandwidthBytesPerSecond: 0, latencyMs: 60 });
    started = performance.now();
    await rig.get('/2.0/users/me', token);
    expect(performance.now() - started).toBeGreaterThan(55);
    await rig.settings({ latencyMs: 0 });
  });

  it('refuse unknown names and impossible values, and change nothing then', async () => {
    for (const change of [{ latencyMs: -1 }, { latency: 5 }, { tokenLifetimeS: 0 }, { endMarker: 'none' }])
      expect((await rig.settings(change)).status).toBe(400);
    expect((await rig.control('GET', '/settings')).body.latencyMs).toBe(0);
  });

  it('answer programs on this machine only, and not at all when switched off', async () => {
    for (const headers of [{ host: 'evil.example' }, { origin: 'https://evil.example' }])
      expect((await rawRequest(rig.url, headers)).startsWith('HTTP/1.1 404')).toBe(true);
    const closed = await Rig.open({ control: false });
    expect((await closed.control('GET', '/stats')).status).toBe(404);
    await closed.close();
  });

  it('time one upload out of two that want the same name', async () => {
    const name = `race-${++count}`;
    await rig.settings({ bandwidthBytesPerSecond: 200_000 });
    const both = await Promise.all([
      rig.upload(token, { name, parent: { id: top } }, 'x'.repeat(30_000)),
      rig.upload(token, { name, parent: { id: top } }, 'y'.repeat(30_000)),
    ]);
    await rig.settings({ bandwidthBytesPerSecond: 0 });
    expect(both.map((answer) => answer.status).sort()).toEqual([201, 409]);
    expect(both.find((answer) => answer.status === 409)?.body.code).toBe('name_temporarily_reserved');
  });
});

function rawRequest(url: string, headers: Readonly<Record<string, string>>): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname);
    socket.on('data', (chunk) => {
      text += chunk.toString();
      socket.destroy();
    });
    socket.on('close', () => resolve(text));
    const lines = Object.entries({ host: `${hostname}:${port}`, ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    socket.write(`GET /_emulator/stats HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  });
}
