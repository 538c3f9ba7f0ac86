import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { emulatorCommand } from '../../../../src/cli/commands/emulator.ts';
import { writeEmulatorKey } from '../../../../src/cli/emulator-key-file.ts';
import { exitCodeOf } from '../../../../src/cli/exit-codes.ts';
import { StateError } from '../../../../src/errors.ts';

const KEY = {
  boxAppSettings: {
    clientID: 'from-the-developer-console',
    clientSecret: 'never-shown-again',
    appAuth: {
      publicKeyID: 'abcd1234',
      privateKey: '-----BEGIN ENCRYPTED PRIVATE KEY-----',
      passphrase: 'p',
    },
  },
  enterpriseID: '917283',
};
const addresses = (url: string) => ({ api: url, upload: `${url}/api`, oauth2: `${url}/api/oauth2` });

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mila-emulator-key-'));
  path = join(folder, 'box-key.json');
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const emulator = (...args: readonly string[]) =>
  emulatorCommand()
    .exitOverride()
    .parseAsync([...args], { from: 'user' });

describe('emulator --write-config', () => {
  it.each([
    ['the key file that Box made', JSON.stringify(KEY)],
    ['a key for other addresses', JSON.stringify({ ...KEY, baseUrls: addresses('http://10.0.0.5:8080') })],
    ['a key that names Box', JSON.stringify({ ...KEY, baseUrls: addresses('https://api.box.com') })],
    ['a key with odd addresses', JSON.stringify({ ...KEY, baseUrls: { api: 'http://127.0.0.1:1' } })],
    ['a configuration', '{"server_type":"mila.services.servers.BoxServer"}'],
    ['words', 'to do: order a key\n'],
    ['a list', '[]'],
    ['null', 'null'],
  ])('never writes over %s, and begins nothing', async (_what, content) => {
    writeFileSync(path, content, { mode: 0o640 });
    const refused = await emulator('--write-config', path, '--data', join(folder, 'data')).catch(
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(StateError);
    expect(exitCodeOf(refused)).toBe(4);
    expect(refused).toMatchObject({
      code: 'foreign-file',
      hint: expect.stringContaining('Give another name'),
    });
    expect(readFileSync(path, 'utf8')).toBe(content);
    expect(readdirSync(folder)).toEqual(['box-key.json']);
  });

  it('writes where nothing stands, over an empty file, and over an earlier one of its own', async () => {
    const first = { ...KEY, baseUrls: addresses('http://emulator.test:8080') };
    await writeEmulatorKey(path, first);
    await writeEmulatorKey(path, { ...KEY, baseUrls: addresses('http://127.0.0.1:9') });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ baseUrls: { api: 'http://127.0.0.1:9' } });
    writeFileSync(path, JSON.stringify({ ...KEY, baseUrls: addresses('http://127.0.0.1:80') }));
    await writeEmulatorKey(path, first);
    writeFileSync(path, '');
    await writeEmulatorKey(path, first);
    expect(statSync(path).mode & 0o077).toBe(0);
  });
});

it('a port that another program holds is exit code 4, with the port and no code of the system', async () => {
  const holder = createServer();
  await new Promise<void>((listening) => holder.listen(0, '127.0.0.1', listening));
  const { port } = holder.address() as { port: number };
  try {
    const refused = await emulator('--port', String(port)).catch((error: unknown) => error);
    expect(exitCodeOf(refused)).toBe(4);
    expect(String(refused)).toMatch(new RegExp(`${port}.*another program holds the port`));
    expect(String(refused)).not.toContain('EADDRINUSE');
  } finally {
    holder.close();
  }
});
