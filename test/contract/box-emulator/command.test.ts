import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { BoxClient, BoxJwtAuth, JwtConfig } from 'box-node-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const tsx = createRequire(import.meta.url).resolve('tsx/cli');
const PROGRAM = resolve(import.meta.dirname, 'command-process.ts');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'emulator-command-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function start(args: readonly string[]) {
  const child = spawn(process.execPath, [tsx, PROGRAM, 'emulator', ...args]);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = new Promise<number | null>((done) => child.once('exit', done));
  return { child, ended, out: () => out, err: () => err };
}

describe('mila-sync emulator', () => {
  it('tells when it is ready, writes a configuration that logs in, and stops in order', {
    timeout: 60_000,
  }, async () => {
    const file = join(folder, 'box.json');
    const running = start([
      '--json',
      '--write-config',
      file,
      '--data',
      join(folder, 'data'),
      '--token-lifetime',
      '77',
      '--bandwidth',
      '10M',
      '--rate-limit',
      '500/min',
    ]);
    await expect.poll(running.out, { timeout: 30_000 }).toContain('\n');
    const ready = JSON.parse(running.out()) as {
      event: string;
      url: string;
      config: string;
      service_account_id: string;
    };
    expect(ready).toMatchObject({ event: 'ready', config: file });
    const written = JSON.parse(await readFile(file, 'utf8')) as {
      baseUrls: { api: string; upload: string; oauth2: string };
    };
    expect((await stat(file)).mode & 0o077).toBe(0);
    expect(written.baseUrls.api).toBe(ready.url);
    const { api, upload, oauth2 } = written.baseUrls;
    const client = new BoxClient({
      auth: new BoxJwtAuth({ config: JwtConfig.fromConfigFile(file) }),
    }).withCustomBaseUrls({ baseUrl: api, uploadUrl: upload, oauth2Url: oauth2 });
    expect((await client.users.getUserMe()).id).toBe(ready.service_account_id);
    const settings = (await (await fetch(`${ready.url}/_emulator/settings`)).json()) as Record<
      string,
      unknown
    >;
    expect(settings).toMatchObject({
      tokenLifetimeS: 77,
      bandwidthBytesPerSecond: 10 * 1024 * 1024,
      rateLimitPerMinute: 500,
    });
    running.child.kill('SIGTERM');
    expect(await running.ended).toBe(130);
    expect(running.err()).toBe('');
  });

  it.each([
    [['--port', '70000'], '--port'],
    [['--bandwidth', 'fast'], '--bandwidth'],
    [['--rate-limit', '-1'], '--rate-limit'],
    [['--unknown'], '--unknown'],
    [['--write-config', '/nowhere/at/all/box.json'], '--write-config'],
  ])('exits with 2 for %j and names the option', { timeout: 60_000 }, async (args, named) => {
    const refused = start(args);
    expect(await refused.ended).toBe(2);
    expect(refused.err()).toContain(named);
    expect(refused.out()).toBe('');
  });
});
