import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuthError, ConfigError } from '../../../../src/errors.ts';
import { type Logger, silentLogger } from '../../../../src/logger.ts';
import { readBoxConfiguration } from '../../../../src/sync/box/box-configuration.ts';
import { keyFile, PASSPHRASE } from './key-file.ts';

describe('readBoxConfiguration', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'box-configuration-'));
    path = join(directory, 'key file.json');
  });
  afterEach(() => rm(directory, { recursive: true }));

  const write = async (content: unknown, mode = 0o600) => {
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content), { mode });
    await chmod(path, mode);
  };
  const failure = () =>
    readBoxConfiguration(path).then(
      () => expect.fail('expected a rejection'),
      (error: unknown) => error as ConfigError,
    );

  it('reads the file that the console downloads', async () => {
    await write(keyFile());
    expect(await readBoxConfiguration(path)).toMatchObject({
      clientId: 'client0123456789',
      credentials: { kind: 'jwt', publicKeyId: 'ab12cd34' },
      enterpriseId: '424242',
      baseUrls: undefined,
    });
  });

  it('takes base addresses, a user and ids written as numbers', async () => {
    const baseUrls = {
      api: 'http://127.0.0.1:1',
      upload: 'http://127.0.0.1:1/api',
      oauth2: 'http://127.0.0.1:1/o',
    };
    await write({ ...keyFile(), enterpriseID: 7, userID: '9', baseUrls, unknown: true });
    expect(await readBoxConfiguration(path)).toMatchObject({ enterpriseId: '7', userId: '9', baseUrls });
  });

  it('takes the file of an application that logs in by client credentials, and a developer token', async () => {
    const { clientID, clientSecret } = keyFile().boxAppSettings;
    await write({ boxAppSettings: { clientID, clientSecret }, enterpriseID: '1' });
    expect((await readBoxConfiguration(path)).credentials).toEqual({ kind: 'client-credentials' });
    await write({ developerToken: 'abc' });
    expect((await readBoxConfiguration(path)).credentials.kind).toBe('developer-token');
  });

  it('names the file that is missing', async () => {
    const error = await failure();
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.code).toBe('configuration-missing');
    expect(error.message).toContain(path);
  });

  it.each([
    ['boxAppSettings', { enterpriseID: '1' }],
    [
      'boxAppSettings.clientSecret',
      (() => {
        const file = keyFile();
        return { ...file, boxAppSettings: { ...file.boxAppSettings, clientSecret: undefined } };
      })(),
    ],
    ['enterpriseID', { ...keyFile(), enterpriseID: undefined }],
    ['baseUrls.api', { ...keyFile(), baseUrls: { api: 'ftp://x', upload: 'http://x', oauth2: 'http://x' } }],
  ])('names the key %s that is wrong', async (key, content) => {
    await write(content);
    const error = await failure();
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.data).toMatchObject({ path, key });
    expect(error.message).toContain(key);
  });

  it('does not quote a file that is no JSON', async () => {
    await write('{"secret": "visible" oops');
    const error = await failure();
    expect(error).toBeInstanceOf(ConfigError);
    expect(inspect(error)).not.toContain('visible');
  });

  it('tells a wrong passphrase apart', async () => {
    const file = keyFile();
    const appAuth = { ...file.boxAppSettings.appAuth, passphrase: 'wrong' };
    await write({ ...file, boxAppSettings: { ...file.boxAppSettings, appAuth } });
    const error = await failure();
    expect(error).toBeInstanceOf(AuthError);
    expect(error.code).toBe('wrong-passphrase');
  });

  it('holds neither key nor passphrase in printable form', async () => {
    await write(keyFile());
    const printed = inspect(await readBoxConfiguration(path), { depth: 9 });
    expect(printed).not.toContain(PASSPHRASE);
    expect(printed).not.toContain(keyFile().boxAppSettings.clientSecret);
    expect(printed).not.toContain('PRIVATE KEY');
  });

  it('warns with the command that mends it when others can read the file', async () => {
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (_fields, message) => warnings.push(message) };
    await write(keyFile(), 0o644);
    await readBoxConfiguration(path, logger);
    expect(warnings.join()).toContain(`chmod 600 '${path}'`);
    await chmod(path, 0o600);
    warnings.length = 0;
    await readBoxConfiguration(path, logger);
    expect(warnings).toEqual([]);
  });
});
