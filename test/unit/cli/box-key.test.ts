import { PassThrough } from 'node:stream';
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { keyAt, keyForOwnMount } from '../../../src/cli/box-key.ts';
import { exitCodeOf } from '../../../src/cli/exit-codes.ts';
import { describeError } from '../../../src/cli/output.ts';
import { parseClientConfiguration } from '../../../src/fl/config/client-configuration.ts';
import { silentLogger } from '../../../src/logger.ts';

const KEY = { boxAppSettings: { clientID: 'id', clientSecret: 'hidden-secret' }, enterpriseID: '7' };
const TEXT = JSON.stringify(KEY, null, 2);

const client = (box_configuration_path: string) =>
  parseClientConfiguration(
    {
      name: 'a',
      client_type: 'BoxClient',
      box_configuration: { shared_dir_name: 's', save_path: 'r', box_configuration_path },
    },
    'c.json',
  ).configuration;

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

it('takes a key out of the variable, and names the variable where it needs a name', async () => {
  const environment = { BOX_CONFIG_JSON: TEXT, OTHER: 'x' };
  const key = await keyAt('env:BOX_CONFIG_JSON', { environment });
  expect(environment).toEqual({ OTHER: 'x' });
  expect(await key.read(silentLogger)).toMatchObject({
    path: 'env:BOX_CONFIG_JSON',
    clientId: 'id',
    isFile: false,
  });
  expect(key.handOver()).toEqual({ variables: { BOX_CONFIG_JSON: TEXT }, input: undefined });
  expect(inspect(key, { depth: 9 }) + JSON.stringify(key)).not.toContain('hidden-secret');
});

it.each([
  [{}, /the variable NAME is not set/],
  [{ NAME: ' \n' }, /the variable NAME is empty/],
])('refuses the variable of %j in one line, exit code 2', async (environment, words) => {
  const refused = await refusal(keyAt('env:NAME', { environment: { ...environment } }));
  expect(exitCodeOf(refused)).toBe(2);
  expect(describeError(refused)[0]).toMatch(words);
});

it.each(['{"hidden-secret', '[]', '{"boxAppSettings": {"clientSecret": "hidden-secret"}}', 'hidden-secret'])(
  'tells that %j is no key without showing it',
  async (NAME) => {
    const key = await keyAt('env:NAME', { environment: { NAME } });
    const refused = await refusal(key.read(silentLogger));
    expect(exitCodeOf(refused)).toBe(2);
    expect(describeError(refused).join('\n')).toMatch(/file env:NAME is not as Box downloads it/);
    expect(inspect(refused, { depth: 9 })).not.toContain('hidden-secret');
  },
);

it('reads standard input to the end of the document, in whatever pieces, and leaves the pipe open', async () => {
  const input = new PassThrough();
  const taken = keyAt('-', { environment: {}, input });
  for (const piece of [TEXT.slice(0, 30), TEXT.slice(30, 95), TEXT.slice(95), '\n']) input.write(piece);
  const key = await taken;
  expect([input.readableEnded, input.destroyed]).toEqual([false, false]);
  expect(await key.read(silentLogger)).toMatchObject({ path: 'standard input', clientId: 'id' });
});

it('reads standard input to its end where no document is whole', async () => {
  for (const [text, words] of [
    ['', /is -, but standard input holds nothing/],
    ['{"hidden-secret": ', /standard input is not as Box downloads it/],
  ] as const) {
    const input = new PassThrough();
    input.end(text);
    const refused = await refusal(
      keyAt('-', { environment: {}, input }).then((key) => key.read(silentLogger)),
    );
    expect(exitCodeOf(refused)).toBe(2);
    expect(describeError(refused).join('\n')).toMatch(words);
    expect(inspect(refused, { depth: 9 })).not.toContain('hidden-secret');
  }
});

it('bounds what it reads from standard input', async () => {
  const input = new PassThrough();
  const refused = refusal(keyAt('-', { environment: {}, input }));
  input.write('x'.repeat(2_000_000));
  expect(describeError(await refused)[0]).toMatch(/standard input holds more than/);
});

it('a program without a mount of its own forgets the variable, asks for none, and reads no standard input', async () => {
  const stdin = new PassThrough() as never;
  for (const flags of [{}, { dir: '/shared' }, { mount: true, dir: '/shared' }]) {
    const env: NodeJS.ProcessEnv = { NAME: TEXT };
    expect(await keyForOwnMount(client('env:NAME'), flags, { env, stdin })).toBeUndefined();
    expect(env).toEqual({});
    expect(await keyForOwnMount(client('env:NAME'), flags, { env, stdin })).toBeUndefined();
    expect(await keyForOwnMount(client('-'), flags, { env, stdin })).toBeUndefined();
  }
});

it('a program with a mount of its own holds the key for it alone, and tells before the start what is wrong', async () => {
  const stdin = new PassThrough() as never;
  const env: NodeJS.ProcessEnv = { NAME: TEXT };
  const key = await keyForOwnMount(client('env:NAME'), { mount: true }, { env, stdin });
  expect(env).toEqual({});
  expect(key?.handOver().variables).toEqual({ NAME: TEXT });
  const refused = await refusal(keyForOwnMount(client('env:NAME'), { mount: true }, { env, stdin }));
  expect(describeError(refused)[0]).toMatch(/the variable NAME is not set/);
  expect(await keyForOwnMount(client('box.json'), { mount: true }, { env, stdin })).toBeUndefined();
});
