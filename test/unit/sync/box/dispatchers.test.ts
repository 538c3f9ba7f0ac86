import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Dispatchers, isLoopback } from '../../../../src/sync/box/dispatchers.ts';
import { json, rawServer, testTransport } from './raw-server.ts';

/** A proxy that notes what it was asked for and refuses. */
async function refusingProxy() {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(502).end();
  });
  server.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, asked, close: () => server.close() };
}

describe('Dispatchers', () => {
  const closers: (() => unknown)[] = [];
  afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

  const callThrough = async (dispatchers: Dispatchers, url: string) => {
    closers.push(() => dispatchers.close());
    const { transport } = testTransport({ dispatchers });
    return transport
      .call({
        method: 'GET',
        url: new URL(url),
        expect: 'json',
        writes: false,
        meter: 'api',
        retries: 'none',
      })
      .then(
        ({ status }) => status,
        () => 'failed',
      );
  };

  it('leads calls through the proxy that the environment names', async () => {
    const proxy = await refusingProxy();
    closers.push(proxy.close);
    await callThrough(new Dispatchers({ HTTPS_PROXY: proxy.url }), 'https://api.box.test/2.0/users/me');
    expect(proxy.asked).toEqual(['api.box.test:443']);
  });

  it('keeps to NO_PROXY, and never asks a proxy for this machine', async () => {
    const proxy = await refusingProxy();
    const server = await rawServer([json(200, {})]);
    closers.push(proxy.close, server.close);
    const environment = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NO_PROXY: 'box.invalid' };
    expect(await callThrough(new Dispatchers(environment), server.url)).toBe(200);
    expect(await callThrough(new Dispatchers(environment), 'https://box.invalid/')).toBe('failed');
    expect(proxy.asked).toEqual([]);
  });

  it('reads nothing from the process itself', async () => {
    const proxy = await refusingProxy();
    closers.push(proxy.close);
    process.env['HTTPS_PROXY'] = proxy.url;
    try {
      await callThrough(new Dispatchers({}), 'https://box.invalid/');
    } finally {
      delete process.env['HTTPS_PROXY'];
    }
    expect(proxy.asked).toEqual([]);
  });

  it.each([
    ['localhost', true],
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['[::1]', true],
    ['api.box.com', false],
    ['localhost.evil.com', false],
  ])('knows that %s is this machine: %j', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});
