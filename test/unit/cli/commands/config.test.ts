import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { configCommand } from '../../../../src/cli/commands/config.ts';
import { exitCodeOf } from '../../../../src/cli/exit-codes.ts';
import { messageOf } from '../../../../src/errors.ts';
import { refusalOf } from '../../../support/command-refusal.ts';

const CHECKPOINTS = new URL('../../../../fixtures/checkpoints/files/', import.meta.url).pathname;
const BOX = { shared_dir_name: 'kmol folder', save_path: 'jwt/test_run' };

let folder: string;
let said = '';
let noted = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mila-config-'));
  writeFileSync(join(folder, 'task.json'), '{"epochs":1}');
  said = '';
  noted = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    noted += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string) => join(folder, name);
const server = (keys: object = {}) => ({
  server_type: 'mila.services.servers.BoxServer',
  box_configuration: BOX,
  task_configuration_file: at('task.json'),
  ...keys,
});

function written(document: unknown, name = 'server.json'): string {
  writeFileSync(at(name), typeof document === 'string' ? document : JSON.stringify(document));
  return at(name);
}

/** Run a command that finds something; its one document, and what it throws. */
async function verdict(path: string) {
  const refused = await refusalOf(configCommand(), 'check', path, '--json');
  const lines = said.trim().split('\n');
  expect(lines).toHaveLength(1);
  return { refused, ...(JSON.parse(lines[0] ?? '') as { faults: string[]; warnings: string[] }) };
}

it('check: a file that holds is said to be one, by name and by JSON', async () => {
  const path = written(server());
  expect(await refusalOf(configCommand(), 'check', path)).toBeUndefined();
  expect(said).toBe(`${path}: ok, a server's configuration\n`);
  said = '';
  expect(await verdict(path)).toEqual({
    refused: undefined,
    path,
    role: 'server',
    ok: true,
    faults: [],
    warnings: [],
  });
});

it('check: every fault of the file and of the files that it names, in one list', async () => {
  writeFileSync(at('list.json'), '[1]');
  copyFileSync(join(CHECKPOINTS, 'no_model_key.pt'), at('start.pt'));
  const found = await verdict(
    written(
      server({
        task_configuration_file: at('list.json'),
        start_point: at('start.pt'),
        box_configuration: { ...BOX, box_configuration_path: at('no-key.json'), account: 'app-user' },
        layout: 'kmoll',
        aggregator_type: 'medain',
        rounds_cout: 3,
        zzz_unlike_any: 1,
      }),
    ),
  );
  expect(found).toMatchObject({ role: 'server', ok: false });
  expect(found.faults).toEqual([
    expect.stringMatching(/account is "app-user".*did you mean app_user\?/),
    expect.stringMatching(/layout is "kmoll".*did you mean kmol\?/),
    expect.stringMatching(/unknown key rounds_cout; did you mean rounds_count\?/),
    expect.stringMatching(/box_configuration_path: The Box configuration file .*no-key\.json does not exist/),
    expect.stringMatching(/task_configuration_file: .*list\.json is no JSON object/),
    expect.stringMatching(/start_point: .* is no checkpoint to begin with: .*"model"/),
    expect.stringMatching(/aggregator_type is "medain".*did you mean median\?/),
  ]);
  expect(found.warnings).toEqual(['unknown key zzz_unlike_any is ignored']);
  expect(exitCodeOf(found.refused)).toBe(2);
});

it('check: a relative file that is not there is told as it is written', async () => {
  const found = await verdict(written(server({ task_configuration_file: 'no-such-task.json' })));
  expect(found.faults).toEqual([
    `task_configuration_file: no-such-task.json does not exist in ${process.cwd()}`,
  ]);
});

it('check: each file of a secure connection', async () => {
  writeFileSync(at('cert.pem'), 'no certificate');
  const grpc = {
    server_type: 'GrpcServer',
    task_configuration_file: at('task.json'),
    use_secure_connection: true,
    ssl_private_key: at('no.key'),
    ssl_cert: at('cert.pem'),
  };
  expect((await verdict(written(grpc))).faults).toEqual([
    expect.stringMatching(/ssl_root_cert is missing/),
    expect.stringMatching(/ssl_private_key: .*no\.key cannot be read/),
    expect.stringMatching(/cert\.pem holds no PEM certificate/),
  ]);
});

it('check: YAML, and a training program that is not on this machine as a warning', async () => {
  const found = await verdict(
    written(
      'name: site_a\nclient_type: BoxClient\nbox_configuration: {shared_dir_name: a, save_path: b}\n' +
        'executor_options: {command: [no-such-program-here]}\n',
      'site_a.yaml',
    ),
  );
  expect(found).toMatchObject({ refused: undefined, role: 'client', ok: true, faults: [] });
  expect(found.warnings).toEqual([expect.stringMatching(/no-such-program-here is not on the PATH/)]);
});

it.each([
  ['a directory', '.', /it is a directory/],
  ['nothing', 'sever.json', /does not exist; did you mean server\.json\?/],
  ['a key of Box', 'key.json', /is a key file of Box/],
  ['no JSON', 'broken.json', /it is no JSON/],
  ['a list', 'list.json', /no keys and values/],
  ['keys of another program', 'package.json', /is no configuration of a server or a client/],
])('check: %s is told in one line, exit code 2', async (_what, name, words) => {
  written(server());
  written({ boxAppSettings: { clientSecret: 'hidden' } }, 'key.json');
  written('{"a": ', 'broken.json');
  written([1], 'list.json');
  written({ version: '1.0.0', scripts: {} }, 'package.json');
  const found = await verdict(at(name));
  expect(found).toMatchObject({ ok: false, role: null, warnings: [] });
  expect(found.faults).toEqual([expect.stringMatching(words)]);
  expect(exitCodeOf(found.refused)).toBe(2);
  expect(messageOf(found.refused)).toBe(found.faults[0]);
});

it.each([
  [undefined, /the variable MILA_TEST_KEY is not set/],
  ['  ', /the variable MILA_TEST_KEY is empty/],
  ['{"secret-content', /env:MILA_TEST_KEY is not as Box downloads it: the whole file: not valid JSON/],
])('check: a key of Box in a variable that holds %j', async (content, words) => {
  if (content !== undefined) vi.stubEnv('MILA_TEST_KEY', content);
  const box_configuration = { ...BOX, box_configuration_path: 'env:MILA_TEST_KEY' };
  const found = await verdict(written(server({ box_configuration })));
  expect(found.faults).toEqual([expect.stringMatching(words)]);
  expect(said + noted + messageOf(found.refused)).not.toContain('secret-content');
  if (content !== undefined) expect(process.env['MILA_TEST_KEY']).toBe(content);
});

it('show: what the file says and what defaults say, in the units of the file, the two save_path told apart', async () => {
  const path = written(server({ heartbeat_timeout: 600, aggregator_type: 'median', note: 'a\u001b[31m' }));
  expect(await refusalOf(configCommand(), 'show', path)).toBeUndefined();
  expect(said).toMatch(/^heartbeat_timeout +600 +seconds$/m);
  expect(said).toMatch(/^client_wait_time +10 +\(default\) +seconds$/m);
  expect(said).toMatch(/^save_path +data\/logs\/server\/ +\(default\) +Own results on this disk$/m);
  expect(said).toMatch(/^ {2}save_path +jwt\/test_run +Session's folder in Box$/m);
  expect(said).toMatch(/^note +"a\\u\{?0*1b\}?\[31m" +\(unknown, ignored\)$/m);
  expect(said).not.toContain('\u001b');
});

it('show --json: one document that is a configuration again, numbers as they were written', async () => {
  mkdirSync(at('again'));
  const text = `{"name":"a","client_type":"BoxClient","box_configuration":${JSON.stringify(BOX)},
    "model_overwrites":{"share":1.0,"seed":12345678901234567890}}`;
  expect(await refusalOf(configCommand(), 'show', written(text, 'a.json'), '--json')).toBeUndefined();
  const first = said;
  expect(JSON.parse(first)).toMatchObject({ upload: 'model', rejoin_wait: 600 });
  expect(first).toContain('"share": 1.0');
  expect(first).toContain('12345678901234567890');
  const again = written(first, 'again/a.json');
  said = '';
  expect(await refusalOf(configCommand(), 'show', again, '--json')).toBeUndefined();
  expect(said).toBe(first);
});

it('show: a file with faults shows nothing, and all of them are told', async () => {
  const refused = await refusalOf(configCommand(), 'show', written(server({ workers: 0, layout: 1 })));
  expect([said, exitCodeOf(refused)]).toEqual(['', 2]);
  expect(messageOf(refused)).toMatch(/workers is 0.*\n.*layout is 1/);
});

it.each(['server', 'client'])('schema: every key of a %s has a title and a description', async (side) => {
  expect(await refusalOf(configCommand(), 'schema', side)).toBeUndefined();
  const schema = JSON.parse(said) as Record<string, unknown>;
  expect(schema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' });
  expect(schema).not.toHaveProperty('$id');
  const look = (part: unknown, place: string): void => {
    if (typeof part !== 'object' || part === null) return;
    const { properties, anyOf } = part as { properties?: Record<string, object>; anyOf?: object[] };
    for (const form of anyOf ?? []) look(form, place);
    for (const [name, inner] of Object.entries(properties ?? {})) {
      const facts = { title: expect.any(String), description: expect.stringMatching(/^\S.* .*\.$/) };
      expect(inner, `${place}${name}`).toMatchObject(facts);
      look(inner, `${place}${name}.`);
    }
  };
  look(schema, '');
  expect(schema['properties']).toMatchObject({
    save_path: {
      default: `data/logs/${side}/`,
      description: expect.stringContaining('not box_configuration'),
    },
  });
});
