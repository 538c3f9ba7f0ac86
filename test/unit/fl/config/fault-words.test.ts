import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError, messageOf } from '../../../../src/errors.ts';
import { parseOptions } from '../../../../src/fl/aggregate/aggregator-options.ts';
import { createAggregator } from '../../../../src/fl/aggregate/create-aggregator.ts';
import {
  loadClientConfiguration,
  parseClientConfiguration,
} from '../../../../src/fl/config/client-configuration.ts';
import { parseConfigurationText, readConfigurationDocument } from '../../../../src/fl/config/document.ts';
import {
  loadServerConfiguration,
  parseServerConfiguration,
} from '../../../../src/fl/config/server-configuration.ts';
import { parseCommandOptions } from '../../../../src/fl/executor/command-options.ts';
import { createExecutor } from '../../../../src/fl/executor/create-executor.ts';
import { parseMnistConfiguration } from '../../../../src/fl/executor/mnist/configuration.ts';
import { issueWords } from '../../../../src/issue-words.ts';
import { silentLogger } from '../../../../src/logger.ts';

const BOX = { shared_dir_name: 'shared', save_path: 'run' };
const SERVER = {
  server_type: 'mila.services.servers.BoxServer',
  task_configuration_file: 'task.json',
  box_configuration: BOX,
};
const CLIENT = { name: 'site_a', client_type: 'mila.services.clients.BoxClient', box_configuration: BOX };
const CHECKERS_WORDS =
  /Invalid|Too small|Too big|expected (string|number|tuple)|received|Unrecognized|\bzod\b/i;

/** What a parser says of a fault, as one text. */
function said(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return String((error as Error).message);
  }
  throw new Error('nothing was said');
}
const server = (keys: object) => said(() => parseServerConfiguration({ ...SERVER, ...keys }, 'server.json'));
const client = (keys: object) => said(() => parseClientConfiguration({ ...CLIENT, ...keys }, 'client.json'));

describe('a configuration', () => {
  it('has all its faults told at once, unknown keys among them', () => {
    const text = server({ rounds_count: 'ten', agregator_type: 'x', workers: 0, zzz_unlike_any: 1 });
    expect(text).toContain('rounds_count is "ten": a number is expected');
    expect(text).toContain('workers is 0: at least 1 is expected');
    expect(text).toContain('unknown key agregator_type; did you mean aggregator_type?');
    expect(text).toContain('unknown key zzz_unlike_any is ignored');
  });

  it.each([
    ['agregator_type', 'aggregator_type'],
    ['aggregator_tpye', 'aggregator_type'],
    ['Aggregator_Type', 'aggregator_type'],
    ['heartbeat_timout', 'heartbeat_timeout'],
    ['minimum_client', 'minimum_clients'],
    ['round_count', 'rounds_count'],
  ])('with the misspelt key %s is refused, for that would be another run', (key, meant) => {
    expect(server({ [key]: 5 })).toContain(`unknown key ${key}; did you mean ${meant}?`);
  });

  it.each([
    [{ box_configuration: { ...BOX, acount: 'x' } }, 'box_configuration.acount', 'box_configuration.account'],
    [
      { box_configuration: { ...BOX, rate_limits: { calls_per_minut: 5 } } },
      'box_configuration.rate_limits.calls_per_minut',
      'box_configuration.rate_limits.calls_per_minute',
    ],
    [
      { box_configuration: { ...BOX, base_urls: { uploads: 'http://a' } } },
      'box_configuration.base_urls.uploads',
      'box_configuration.base_urls.upload',
    ],
    [
      { grpc_configuration: { use_secure_conection: true } },
      'grpc_configuration.use_secure_conection',
      'grpc_configuration.use_secure_connection',
    ],
  ])('is read into every section: %j', (keys, key, meant) => {
    expect(client(keys)).toContain(`unknown key ${key}; did you mean ${meant}?`);
  });

  it.each(['comment', '_note', 'notify_mail', 'x'])('may hold the unknown key %s', (key) => {
    const { warnings } = parseServerConfiguration({ ...SERVER, [key]: 1 }, 'server.json');
    expect(warnings).toEqual([expect.stringContaining(`unknown key ${key} is ignored`)]);
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', '__proto__'])(
    'is not confused by the key %s',
    (key) => {
      const document = parseConfigurationText(
        JSON.stringify(SERVER).replace('{', `{${JSON.stringify(key)}:1,`),
        'server.json',
      );
      const { warnings } = parseServerConfiguration(document, 'server.json');
      expect(warnings).toEqual([expect.stringContaining(`unknown key ${key} is ignored`)]);
    },
  );

  it('is told to be the other program’s, or a key of Box', () => {
    const wrong = (parse: () => unknown) => {
      try {
        return parse();
      } catch (error) {
        return error;
      }
    };
    expect(wrong(() => parseClientConfiguration(SERVER, 'server.json'))).toMatchObject({
      message: "server.json is a server's configuration, and no client's configuration",
      hint: 'Type: mila server server.json',
    });
    expect(wrong(() => parseServerConfiguration(CLIENT, 'site_a.json'))).toMatchObject({
      message: "site_a.json is a client's configuration, and no server's configuration",
      hint: 'Type: mila client site_a.json',
    });
    expect(wrong(() => parseServerConfiguration({ boxAppSettings: {} }, 'key.json'))).toMatchObject({
      message: "key.json is a key file of Box, and no server's configuration",
      hint: expect.stringContaining('box_configuration_path'),
    });
  });

  it('that is no file is told with the path, a hint, and the file that is meant', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mila-words-'));
    try {
      writeFileSync(join(folder, 'server.json'), '{}');
      const problem = (path: string) => readConfigurationDocument(path).catch((error: unknown) => error);
      expect(await problem(folder)).toMatchObject({
        message: `${folder} cannot be read: it is a directory`,
        hint: 'Name a file.',
      });
      expect(await problem(join(folder, 'sever.json'))).toMatchObject({
        message: `${join(folder, 'sever.json')} does not exist; did you mean server.json?`,
        hint: expect.any(String),
      });
      expect(await problem(join(folder, 'server.json/x'))).toMatchObject({
        message: expect.stringContaining('part of its path is a file'),
      });
      await expect(loadServerConfiguration(folder)).rejects.toBeInstanceOf(ConfigError);
      await expect(loadClientConfiguration(folder)).rejects.toBeInstanceOf(ConfigError);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('with values of every wrong kind is told in words of our own', () => {
    const values = [null, 0, -1, 1.5, 1e300, 'x', '', true, [], [1], {}, { a: {} }, Number.NaN];
    for (const value of values)
      for (const keys of Object.keys(parseServerKeys())) {
        const text = words(() => parseServerConfiguration({ ...SERVER, [keys]: value }, 'server.json'));
        expect(text, `${keys}: ${JSON.stringify(value)}`).not.toMatch(CHECKERS_WORDS);
      }
  });
});

const parseServerKeys = () => ({
  server_type: 1,
  box_configuration: 1,
  grpc_configuration: 1,
  task_configuration_file: 1,
  aggregator_type: 1,
  aggregator_options: 1,
  rounds_count: 1,
  blacklist: 1,
  use_whitelist: 1,
  layout: 1,
  round_share: 1,
  round_deadline: 1,
  heartbeat_timeout: 1,
});

function words(parse: () => unknown): string {
  try {
    parse();
    return '';
  } catch (error) {
    return messageOf(error);
  }
}

describe('what another room reads', () => {
  it('executor_options: a command that is no list is told with an example', () => {
    const text = said(() => parseCommandOptions('Command', { command: 'python3 train.py' }, null));
    expect(text).toContain(
      'executor_options.command is "python3 train.py": a list is expected, such as ["python3"',
    );
    expect(said(() => parseCommandOptions('Command', { comand: ['x'], time_limit: 0 }, null))).toMatch(
      /time_limit is 0: a number above 0 is expected.*no key "comand"; did you mean command\?/s,
    );
  });

  it('aggregator_options, also weights of which none is above 0', () => {
    expect(said(() => parseOptions('trimmed-mean', { fraction: 2, norm_limt: 3 }))).toMatch(
      /fraction is 2: a number below 0\.5 is expected\s+aggregator_options: there is no key "norm_limt"; did you mean norm_limit\?/,
    );
    expect(said(() => parseOptions('weighted', { weights: { a: 0, b: 0 } }))).toMatch(
      /weights is \{"a":0,"b":0\}: at least one weight above 0 is expected/,
    );
  });

  it('the task of the built-in trainer', () => {
    expect(said(() => parseMnistConfiguration({ epochs: 'many', batch_size: 0 }))).not.toMatch(
      CHECKERS_WORDS,
    );
  });

  it('names the near aggregators and executors', async () => {
    await expect(createAggregator('medain', {}, { logger: silentLogger })).rejects.toThrow(
      /did you mean median/,
    );
    const deps = {
      clock: undefined as never,
      logger: silentLogger,
      environment: {},
      temporaryDirectory: '/tmp',
    };
    await expect(createExecutor('kmol.run.Exekutor', {}, deps)).rejects.toThrow(
      /did you mean kmol\.run\.Executor\?/,
    );
    expect(client({ client_type: 'mila.services.clients.BokClient' })).toContain('did you mean');
    expect(server({ layout: 'documentd' })).toContain(
      'one of "documented", "kmol" is expected; did you mean documented?',
    );
  });
});

it.each(['[', '{"a":', '- ', '? ', 'a: &a [*a]\n', '- [', '{a: '])(
  'a YAML file of %j without end is refused, and does not end the program',
  (piece) => {
    for (const path of ['deep.yaml', 'deep'])
      expect(said(() => parseConfigurationText(piece.repeat(20_000), path))).toMatch(
        /^deep.* is not a configuration: /,
      );
  },
);

it('values and keys without end are told in few and short lines', () => {
  const deep: unknown = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`key_${index}`, 1]));
  const text = server({ ...many, rounds_count: deep, ['k'.repeat(100_000)]: 1, layout: 'x'.repeat(100_000) });
  expect(text.split('\n').length).toBeLessThan(60);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(1_200);
});

it('what a schema throws anywhere is put into the same words', () => {
  const schema = z.object({ samples: z.int().min(0), metrics: z.record(z.string(), z.number()) });
  const error = schema.safeParse({ samples: -1, metrics: { loss: 'low' } }).error;
  expect(messageOf(error)).toBe('samples: at least 0 is expected; metrics.loss: a number is expected');
});

it('every kind of fault that a schema can have is put into words', () => {
  const schemas: readonly (readonly [z.ZodType, unknown])[] = [
    [z.string().min(3), 'a'],
    [z.string().max(3), 'abcd'],
    [z.string().regex(/^a$/), 'b'],
    [z.url(), 'b'],
    [z.array(z.string()).min(1), []],
    [z.tuple([z.string()]), ['a', 'b']],
    [z.number().multipleOf(2), 3],
    [z.union([z.string(), z.number()]), true],
    [z.literal('kmol'), 'box'],
    [z.strictObject({}), { a: 1 }],
    [z.record(z.string().regex(/^a/), z.string()), { b: 'x' }],
    [z.record(z.string(), z.string()), { b: 1 }],
    [z.int(), 1.5],
    [z.int(), 1e300],
    [z.number(), Number.POSITIVE_INFINITY],
    [z.boolean(), 'yes'],
    [z.null(), 1],
    [z.never(), 1],
    [z.map(z.string(), z.number()), 1],
    [z.set(z.string()), 1],
    [z.date(), 1],
    [z.bigint(), 1],
  ];
  for (const [schema, value] of schemas) {
    const issue = schema.safeParse(value).error?.issues[0];
    expect(issue).toBeDefined();
    if (issue !== undefined) expect(issueWords(issue, value)).not.toMatch(CHECKERS_WORDS);
  }
});
