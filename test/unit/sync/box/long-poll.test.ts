import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { AuthError, TransientError } from '../../../../src/errors.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { LongPoll } from '../../../../src/sync/box/long-poll.ts';
import { openSession } from '../../../../src/sync/box/session.ts';
import { eventually } from '../../../support/eventually.ts';
import { FakeClock } from './fake-clock.ts';
import { json, type Reply, rawServer, testTransport } from './raw-server.ts';

const OPTIONS = 'OPTIONS /2.0/events';
const SUBSCRIBE = 'GET /subscribe';
const STOOD_MS = 10_000;

interface Announced {
  readonly url?: string;
  readonly max_retries?: string;
  readonly retry_timeout?: number;
}

describe('LongPoll', () => {
  let close: () => Promise<void> = async () => {};
  afterEach(() => close());

  /** A Box whose realtime server gives these words, one for each subscription, the last one for ever. */
  const boxWith = async (words: readonly (string | Reply)[], announced: Announced = {}, api?: Reply) => {
    const paths: string[] = [];
    let next = 0;
    const server = await rawServer([
      (request, response, raw) => {
        paths.push(`${request.method} ${request.path.split('?')[0]}`);
        if (request.method === 'OPTIONS') {
          const entry = {
            type: 'realtime_server',
            url: `http://${request.headers.host}/subscribe?channel=abc&stream_type=all`,
            ttl: '10',
            max_retries: '10',
            retry_timeout: 610,
            ...announced,
          };
          return (api ?? json(200, { chunk_size: 1, entries: [entry] }))(request, response, raw);
        }
        expect(new URL(request.path, 'http://x').searchParams.get('stream_position')).toBe('77');
        const word = words[Math.min(next, words.length - 1)];
        next += 1;
        if (typeof word === 'function') return word(request, response, raw);
        return json(200, { version: 1, message: word })(request, response, raw);
      },
    ]);
    close = server.close;
    const clock = new FakeClock();
    const { transport, calls } = testTransport({ clock });
    const tokens: { failure?: Error } = {};
    const access = {
      token: async () => {
        if (tokens.failure !== undefined) throw tokens.failure;
        return 'T';
      },
      refuse() {},
      headers: {},
    };
    const baseUrls = { api: server.url, upload: server.url, oauth2: server.url };
    const session = openSession({ transport, access, baseUrls, logger: silentLogger });
    const arrived = (count: number) => eventually(() => expect(paths).toHaveLength(count));
    return { poll: new LongPoll(session, clock), paths, calls, clock, tokens, arrived, host: server.url };
  };
  const never = () => new AbortController().signal;

  /** Subscriptions that are held until the test answers them. */
  const held = () => {
    const open: ServerResponse[] = [];
    const hold: Reply = (_request, response) => void open.push(response);
    const say = (message: string) => open.shift()?.end(JSON.stringify({ version: 1, message }));
    return { hold, say, open };
  };

  it('returns on a change and keeps its server for the next wait', async () => {
    const { poll, paths, calls } = await boxWith(['new_change']);
    await poll.wait('77', never());
    await poll.wait('77', never());
    expect(paths).toEqual([OPTIONS, SUBSCRIBE, SUBSCRIBE]);
    expect(calls).toHaveLength(1);
  });

  it('asks for another server when one that stood for a while says reconnect', async () => {
    const { hold, say } = held();
    const { poll, paths, clock, arrived } = await boxWith([hold, hold, 'new_change']);
    const waiting = poll.wait('77', never());
    for (const count of [2, 4]) {
      await arrived(count);
      await clock.advance(STOOD_MS);
      say('reconnect');
    }
    await waiting;
    expect(paths).toEqual([OPTIONS, SUBSCRIBE, OPTIONS, SUBSCRIBE, OPTIONS, SUBSCRIBE]);
  });

  it('asks for another server after as many subscriptions as Box allows', async () => {
    const { poll, paths } = await boxWith(['new_change'], { max_retries: '2' });
    for (let count = 0; count < 3; count += 1) await poll.wait('77', never());
    expect(paths).toEqual([OPTIONS, SUBSCRIBE, SUBSCRIBE, OPTIONS, SUBSCRIBE]);
  });

  it('subscribes again at the same server after the silence that Box announced', async () => {
    const { poll, paths, clock, arrived } = await boxWith([() => {}, () => {}, 'new_change']);
    const waiting = poll.wait('77', never());
    for (const count of [2, 3]) {
      await arrived(count);
      await clock.advance(611_000);
    }
    await waiting;
    expect(paths).toEqual([OPTIONS, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE]);
  });

  const cut: Reply = (_request, response) => response.destroy();
  it.each<[string, Reply]>([
    ['does not know the channel', json(404, '')],
    ["stands behind a proxy's refusal", json(403, '<html>blocked</html>')],
    ['does not take the token', json(401, '')],
    ['has a fault', json(502, '')],
    ['asks to wait', json(429, '', { 'retry-after': '30' })],
    ['breaks the connection', cut],
    ["is a captive portal's page", json(200, '<html>log in</html>')],
  ])('fails at once, naming the host to be opened, where the server %s', async (_what, reply) => {
    const { poll, paths, host } = await boxWith([reply]);
    const failure = await poll.wait('77', never()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TransientError);
    expect(failure).toMatchObject({
      code: 'realtime-unreachable',
      message: expect.stringContaining('allow *.realtime.services.box.net'),
      data: { host: new URL(host).host },
      cause: expect.any(Error),
    });
    expect(paths).toEqual([OPTIONS, SUBSCRIBE]);
  });

  it.each([
    ['nobody listens', 'http://127.0.0.1:9/subscribe', 'realtime-unreachable'],
    ['TLS is not spoken', 'https://127.0.0.1:PORT/subscribe', 'realtime-unreachable'],
    ['the name is none of Box’s', 'https://2.realtime.services.invalid/subscribe', 'answer-malformed'],
  ])('fails at once where %s', async (_what, url, code) => {
    const port = { value: '' };
    const box = await boxWith(['new_change'], {
      get url() {
        return url.replace('PORT', port.value);
      },
    });
    port.value = new URL(box.host).port;
    await expect(box.poll.wait('77', never())).rejects.toMatchObject({ code });
    expect(box.paths).toEqual([OPTIONS]);
  });

  it('asks for a server once for each wait while none can be reached, and finds one that can', async () => {
    const { poll, paths } = await boxWith([cut, json(503, ''), 'new_change']);
    for (let time = 0; time < 2; time += 1)
      await expect(poll.wait('77', never())).rejects.toMatchObject({ code: 'realtime-unreachable' });
    await poll.wait('77', never());
    expect(paths).toEqual([OPTIONS, SUBSCRIBE, OPTIONS, SUBSCRIBE, OPTIONS, SUBSCRIBE]);
  });

  it.each<[string, Reply, string]>([
    ['has a fault', json(503, ''), 'box-unavailable'],
    ['is too busy', json(429, ''), 'rate-limited'],
    ['cannot be reached', cut, 'network'],
    ['names no server', json(200, { entries: [] }), 'answer-malformed'],
    ['names no address', json(200, { entries: [{ url: 'http://' }] }), 'answer-malformed'],
  ])("passes the API's own failure on, asked once, where it %s", async (_what, reply, code) => {
    const { poll, paths } = await boxWith(['new_change'], {}, reply);
    await expect(poll.wait('77', never())).rejects.toMatchObject({ code });
    expect(paths).toEqual([OPTIONS]);
  });

  it('does not hide that the account may not log in any more', async () => {
    const { poll, tokens, paths } = await boxWith(['new_change']);
    await poll.wait('77', never());
    tokens.failure = new AuthError({ code: 'app-not-authorised', message: 'no' });
    await expect(poll.wait('77', never())).rejects.toBe(tokens.failure);
    delete tokens.failure;
    await poll.wait('77', never());
    expect(paths).toEqual([OPTIONS, SUBSCRIBE, SUBSCRIBE]);
  });

  it.each(['reconnect', 'max_retries'])('does not follow %s for ever when it comes at once', async (word) => {
    const { poll, paths } = await boxWith([word]);
    await expect(poll.wait('77', never())).rejects.toMatchObject({
      code: 'realtime-unreachable',
      message: expect.stringContaining('ends its channel at once'),
    });
    expect(paths.filter((path) => path === OPTIONS)).toHaveLength(3);
    await expect(poll.wait('77', never())).rejects.toMatchObject({ code: 'realtime-unreachable' });
    expect(paths.filter((path) => path === OPTIONS)).toHaveLength(4);
  });

  it('forgets channels that ended at once when one stands, or tells of a change', async () => {
    const { hold, say } = held();
    const quick = ['reconnect', 'reconnect'];
    const words = [...quick, hold, ...quick, 'new_change', 'max_retries', 'reconnect', 'new_change'];
    const { poll, clock, arrived } = await boxWith(words);
    const waiting = poll.wait('77', never());
    await arrived(6);
    await clock.advance(STOOD_MS);
    say('reconnect');
    await waiting;
    await poll.wait('77', never());
  });

  it('lets an unknown word be looked at, and does not spin on it', async () => {
    const { poll, paths } = await boxWith(['what']);
    await poll.wait('77', never());
    await poll.wait('77', never());
    expect(paths).toEqual([OPTIONS, SUBSCRIBE, OPTIONS, SUBSCRIBE]);
    await expect(poll.wait('77', never())).rejects.toMatchObject({ code: 'realtime-unreachable' });
  });

  it.each<[string, (response: ServerResponse) => unknown]>([
    ['cuts', (response) => response.destroy()],
    ['answers for', (response) => response.writeHead(504).end()],
  ])('takes up a connection that something between %s after it stood', async (_how, end) => {
    const { hold, open } = held();
    const { poll, paths, clock, arrived } = await boxWith([hold, hold, 'new_change', hold, hold, hold]);
    const breakOff = async (count: number) => {
      await arrived(count);
      await clock.advance(60_000);
      end(open.shift() as ServerResponse);
    };
    const waiting = poll.wait('77', never());
    await breakOff(2);
    await breakOff(3);
    await waiting;
    expect(paths).toEqual([OPTIONS, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE]);
    const without = expect(poll.wait('77', never())).rejects.toMatchObject({ code: 'realtime-unreachable' });
    for (const count of [5, 6, 7]) await breakOff(count);
    await without;
  });

  it('returns at once when the caller gives up', async () => {
    const { poll, arrived } = await boxWith([() => {}]);
    const giveUp = new AbortController();
    const waiting = poll.wait('77', giveUp.signal);
    await arrived(2);
    giveUp.abort();
    await waiting;
  });
});
