import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { httpClient } from '../../../src/cli/http-send.ts';
import { commandDelivery, webhookDelivery } from '../../../src/cli/tell-outside.ts';
import type { NewsDocument } from '../../../src/fl/notify/notifier.ts';
import { eventually } from '../../support/eventually.ts';
import { isAlive } from '../../support/programs.ts';

const NEWS: NewsDocument = {
  kind: 'ended',
  time: '2026-01-31T09:15:00.000Z',
  run: '2026-01-31_09-15-00',
  name: 'Zoë',
  text: 'the run finished',
  held_back: 0,
};
const { signal } = new AbortController();

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tell outside '));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function program(lines: string): Promise<string> {
  const path = join(folder, 'tell it');
  await writeFile(path, `#!/bin/sh\ncd "$(dirname "$0")"\n${lines}\n`);
  await chmod(path, 0o755);
  return path;
}

describe('a program that is told', () => {
  it('has the document on its standard input, and its arguments as they are written', async () => {
    const path = await program('cat > told; printf "%s|" "$@" > args');
    await commandDelivery([path, '$HOME; touch oops', '*'])(NEWS, signal);
    expect(JSON.parse(await readFile(join(folder, 'told'), 'utf8'))).toEqual(NEWS);
    expect(await readFile(join(folder, 'args'), 'utf8')).toBe('$HOME; touch oops|*|');
  });

  it('need not read it, and is told off where it fails', async () => {
    await commandDelivery(['/bin/true'])({ ...NEWS, text: 'x'.repeat(1_000_000) }, signal);
    await expect(commandDelivery([await program('exit 3')])(NEWS, signal)).rejects.toThrow(
      /ended with exit code 3/,
    );
    await expect(commandDelivery(['/no/such program'])(NEWS, signal)).rejects.toThrow(
      '/no/such program cannot be started: no such file or directory exists',
    );
    await expect(commandDelivery(['a\0b'])(NEWS, signal)).rejects.toThrow(/null bytes/);
  });

  it('is ended with all that it started, past its time and on abort', async () => {
    const path = await program('echo $$ > leader\nsleep 600 &\necho $! > worker\nwait');
    const pidOf = async (name: string) => Number(await readFile(join(folder, name), 'utf8'));
    await expect(commandDelivery([path], 1_000)(NEWS, signal)).rejects.toThrow('did not end within 1 s');
    const late = [await pidOf('leader'), await pidOf('worker')];
    await eventually(() => expect(late.map(isAlive)).toEqual([false, false]));
    const stop = new AbortController();
    await rm(join(folder, 'worker'));
    const telling = commandDelivery([path])(NEWS, stop.signal);
    const refused = expect(telling).rejects.toThrow(/had not ended/);
    await eventually(() => pidOf('worker').then((pid) => expect(pid).toBeGreaterThan(0)));
    stop.abort();
    await refused;
    const stopped = await pidOf('worker');
    await eventually(() => expect(isAlive(stopped)).toBe(false));
  });
});

describe('an address that is told', () => {
  const client = httpClient({});
  let server: Server;
  let answer = 200;
  const requests: {
    method: string | undefined;
    url: string | undefined;
    type: string | undefined;
    body: string;
  }[] = [];
  beforeEach(async () => {
    requests.length = 0;
    server = createServer((request, response) => {
      const { method, url, headers } = request;
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      request.on('end', () => {
        requests.push({ method, url, type: headers['content-type'], body });
        response.writeHead(answer, { location: '/elsewhere' }).end('thanks');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/swordfish?key=swordfish`;

  it('gets the document as the body of a POST', async () => {
    answer = 204;
    await webhookDelivery(address(), client.send)(NEWS, signal);
    const [request] = requests;
    expect(request).toMatchObject({
      method: 'POST',
      url: '/swordfish?key=swordfish',
      type: 'application/json',
    });
    expect(JSON.parse(request?.body ?? '')).toEqual(NEWS);
  });

  it.each([302, 404, 500])(
    'that answers with %i is told by its host only, and followed nowhere',
    async (status) => {
      answer = status;
      const error: unknown = await webhookDelivery(address(), client.send)(NEWS, signal).catch(
        (caught) => caught,
      );
      expect(String(error)).toMatch(new RegExp(`127\\.0\\.0\\.1:\\d+ answers with status ${status}$`));
      expect(requests).toHaveLength(1);
    },
  );

  it('that cannot be reached is told by its host only', async () => {
    const gone = address();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const tell = (url: string, stop = signal) =>
      webhookDelivery(url, client.send)(NEWS, stop).catch((caught: unknown) => caught);
    const aborted = AbortSignal.abort();
    for (const error of [
      await tell(gone),
      await tell('http://a.invalid/swordfish'),
      await tell(gone, aborted),
    ]) {
      expect(error).toMatchObject({
        name: 'TransientError',
        message: expect.stringContaining('cannot be reached'),
      });
      expect(JSON.stringify([String(error), error])).not.toContain('swordfish');
    }
  });
});
