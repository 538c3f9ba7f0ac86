import { stringify } from 'yaml';
import { exitCodeOf } from '../../../src/cli/exit-codes.ts';
import { describeError } from '../../../src/cli/output.ts';
import { parseOptions, type RuleName } from '../../../src/fl/aggregate/aggregator-options.ts';
import { parseClientConfiguration } from '../../../src/fl/config/client-configuration.ts';
import { parseConfigurationText } from '../../../src/fl/config/document.ts';
import { parseServerConfiguration } from '../../../src/fl/config/server-configuration.ts';
import { checkPlaceholders, parseCommandOptions } from '../../../src/fl/executor/command-options.ts';
import { parseMnistConfiguration } from '../../../src/fl/executor/mnist/configuration.ts';
import { HOSTILE } from '../../support/hostile-text.ts';
import { type Dice, mutated } from '../../support/random-pickles.ts';
import type { FuzzTarget } from '../target.ts';

const pick = <Item>(dice: Dice, items: readonly Item[]): Item => items[dice(items.length)] as Item;

const BOX = {
  shared_dir_name: 'shared',
  save_path: 'a/b',
  group_name: 'g',
  account: 'app_user',
  rate_limits: {},
};
const SERVER = {
  server_type: 'mila.services.servers.BoxServer',
  task_configuration_file: 'task.json',
  box_configuration: BOX,
  grpc_configuration: { target: 'localhost:1', use_secure_connection: true },
  aggregator_type: 'weighted',
  aggregator_options: { weights: { a: 1 } },
  rounds_count: 3,
  blacklist: ['10.0.0.1'],
  layout: 'kmol',
  round_share: 0.5,
};
const CLIENT = {
  name: 'site_a',
  client_type: 'mila.services.clients.GrpcClient',
  box_configuration: BOX,
  executor_type: 'mila.executors.Command',
  executor_options: { command: ['python3', '{config}'], environment: { A: 'b' }, time_limit: 1 },
  model_overwrites: { epochs: 1 },
};
const ODD_KEYS = [
  '__proto__',
  'constructor',
  'toString',
  '',
  'a.b',
  HOSTILE,
  'k'.repeat(10_000),
  'naem',
  'round_count',
];
const ENDLESS = ['[', '{"a":', '- ', '? ', 'a: &a [*a]\n', '!x ', '"', '#'];

function nested(dice: Dice): unknown {
  let value: unknown = 1;
  for (let depth = dice(20_000); depth > 0; depth -= 1) value = dice(2) === 0 ? [value] : { a: value };
  return value;
}

function anyValue(dice: Dice, depth = 0): unknown {
  const kind = dice(depth > 3 ? 1 : 4);
  if (kind === 1) return Array.from({ length: dice(5) }, () => anyValue(dice, depth + 1));
  if (kind === 2)
    return Object.fromEntries(
      Array.from({ length: dice(5) }, () => [
        pick(dice, [...ODD_KEYS, 'api', 'command']),
        anyValue(dice, depth + 1),
      ]),
    );
  const plain = [
    0,
    -1,
    1.5,
    1e300,
    2 ** 53,
    '',
    'x',
    HOSTILE,
    'y'.repeat(100_000),
    '{confg}',
    null,
    true,
    '../..',
  ];
  return pick(dice, plain);
}

function misspelt(dice: Dice, key: string): string {
  const at = dice(key.length + 1);
  return pick(dice, [
    `${key.slice(0, at)}x${key.slice(at)}`,
    key.slice(0, at) + key.slice(at + 1),
    key.toUpperCase(),
  ]);
}

function spoilt(dice: Dice, sound: object): Record<string, unknown> {
  const document: Record<string, unknown> = { ...sound };
  for (const key of Object.keys(document)) {
    const what = dice(12);
    if (what === 0) document[key] = anyValue(dice);
    if (what === 1) document[misspelt(dice, key)] = document[key];
    if (what === 1 || what === 2) delete document[key];
  }
  return document;
}

function anyText(dice: Dice): Buffer {
  if (dice(12) === 0) return Buffer.from(pick(dice, ENDLESS).repeat(1 + dice(2_000)));
  const document = spoilt(dice, pick(dice, [SERVER, CLIENT, { ...SERVER, ...CLIENT }, {}]));
  if (dice(6) === 0)
    Object.defineProperty(document, pick(dice, ODD_KEYS), { value: anyValue(dice), enumerable: true });
  if (dice(40) === 0) document['save_path'] = nested(dice);
  if (dice(60) === 0) for (let count = 0; count < 3_000; count += 1) document[`key_${count}`] = count;
  const isJson = dice(4) > 0 || dice(40) === 0;
  const text = Buffer.from(isJson ? writtenOut(document) : stringify({ ...document, save_path: 'x' }));
  return dice(4) === 0 ? mutated(dice, text) : text;
}

/** What is nested too deep for the writer is written by hand. */
function writtenOut(document: object): string {
  try {
    return JSON.stringify(document);
  } catch {
    return `{"save_path":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
  }
}

const FOREIGN_WORDS = /Invalid input|Too (small|big)|received|Unrecognized key|\bat .*:\d+:\d+|call stack/;
const LINE_MAX = 1_200;
const LINES_MAX = 60;

/** Refused with the documented code, in few and short sentences of our own. */
function assertRefusal(error: unknown): void {
  if (exitCodeOf(error) !== 2) throw error;
  const lines = describeError(error).flatMap((line) => line.split('\n'));
  if (lines.length > LINES_MAX) throw new Error(`${lines.length} lines`);
  for (const line of lines) {
    if (FOREIGN_WORDS.test(line)) throw new Error(`foreign words: ${line.slice(0, LINE_MAX)}`);
    if (line.length > LINE_MAX) throw new Error(`a line of ${line.length} characters: ${line.slice(0, 100)}`);
  }
}

function refusable<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    assertRefusal(error);
    return undefined;
  }
}

const RULES: readonly RuleName[] = ['weighted', 'trimmed-mean', 'fed-adam'];

/** What people write into configuration files, as both programs read it. */
export const CONFIGURATION_TARGET: FuzzTarget = {
  name: 'configuration',
  timeMaxMs: 5_000,
  memoryMaxMegabytes: 400,
  make: anyText,
  read: (input) => {
    const text = Buffer.from(input).toString('utf8');
    for (const path of ['a.json', 'a.yaml', 'a']) {
      const document = refusable(() => parseConfigurationText(text, path));
      if (document === undefined) continue;
      refusable(() => parseServerConfiguration(document, path));
      refusable(() => parseClientConfiguration(document, path));
      refusable(() => parseMnistConfiguration(document));
      for (const key of ['executor_options', 'aggregator_options', 'box_configuration']) {
        const options = document[key];
        if (typeof options !== 'object' || options === null || Array.isArray(options)) continue;
        const record = options as Readonly<Record<string, unknown>>;
        for (const rule of RULES) refusable(() => parseOptions(rule, record));
        refusable(() => checkPlaceholders(parseCommandOptions('Command', record, ['true'])));
      }
    }
  },
};
