import { describe, expect, it } from 'vitest';
import { parseClientConfiguration } from '../../../../src/fl/config/client-configuration.ts';
import { parseServerConfiguration } from '../../../../src/fl/config/server-configuration.ts';

const BOX = { shared_dir_name: 'shared', save_path: 'run' };
const SERVER = {
  server_type: 'mila.services.servers.BoxServer',
  task_configuration_file: 'task.json',
  box_configuration: BOX,
};
const CLIENT = { name: 'site_a', client_type: 'mila.services.clients.BoxClient', box_configuration: BOX };

const server = (keys: object) =>
  parseServerConfiguration({ ...SERVER, ...keys }, 'server.json').configuration;
const client = (keys: object) =>
  parseClientConfiguration({ ...CLIENT, ...keys }, 'client.json').configuration;
function said(keys: object): string {
  try {
    server(keys);
    return 'nothing';
  } catch (error) {
    return (error as Error).message;
  }
}

const MLFLOW = { type: 'mlflow', uri: 'http://127.0.0.1:5000' };

describe('tracking', () => {
  it('is nothing by itself, and the same keys on either side', () => {
    expect([server({}).tracking, client({}).tracking]).toEqual([[], []]);
    for (const read of [server, client])
      expect(read({ tracking: [{ type: 'tensorboard' }, MLFLOW] }).tracking).toEqual([
        { type: 'tensorboard', directory: null },
        { ...MLFLOW, experiment: 'mila' },
      ]);
  });

  it.each([
    [[{ type: 'tensorbord' }], /tracking\.0\.type is "tensorbord"/],
    [[{ type: 'mlflow' }], /tracking\.0\.uri is missing/],
    [[{ ...MLFLOW, uri: 'mlruns' }], /tracking\.0\.uri is "mlruns": an address such as/],
    [[{ ...MLFLOW, uri: 'http://h?x=1' }], /an address such as/],
    [[{ ...MLFLOW, expriment: 'x' }], /there is no key "expriment"/],
    [[MLFLOW, { ...MLFLOW, uri: 'http://127.0.0.1:5000/' }], /tracking\.1 is the same place as tracking\.0/],
  ])('refuses %j', (tracking, words) => {
    expect(said({ tracking })).toMatch(words);
  });

  it('shows no password of an address that it refuses', () => {
    const text = said({ tracking: [{ ...MLFLOW, uri: 'http://me:swordfish@host:1' }] });
    expect(text).toMatch(/MLFLOW_TRACKING_TOKEN/);
    expect(text).not.toContain('swordfish');
  });
});

describe('notify', () => {
  it('takes a program or an address', () => {
    expect(client({ notify: { command: ['tell', 'x'] } }).notify).toEqual({ command: ['tell', 'x'] });
    const webhook = 'https://hooks.example.org/a?b#c';
    expect(server({ notify: { webhook } }).notify).toEqual({ webhook });
    expect(server({ notify: null }).notify).toBeNull();
  });

  it.each([
    [{}, /command or webhook is wanted/],
    [{ command: ['a'], webhook: 'https://a' }, /not both/],
    [{ command: [] }, /notify\.command is \[\]/],
    [{ command: [''] }, /the name of a program is expected/],
    [{ command: 'tell' }, /a list, such as \["a", "b"\] is expected$/],
    [{ webhok: 'https://a' }, /there is no key "webhok"/],
  ])('refuses %j', (notify, words) => {
    expect(said({ notify })).toMatch(words);
  });

  it.each([
    { webhook: 'htps://hooks.example.org/swordfish' },
    { webhook: 'hooks.example.org/swordfish' },
    { webhook: 'https://a b/swordfish' },
    { webhook: 'https://u:swordfish@hooks.example.org/' },
    { command: 'x', webhook: 'https://hooks.example.org/swordfish' },
    { command: [1], webhook: ['https://hooks.example.org/swordfish'] },
    'https://hooks.example.org/swordfish',
    'swordfish',
    ['https://hooks.example.org/swordfish'],
  ])('tells no secret of an address in a fault (%#)', (notify) => {
    const text = said({ notify });
    expect(text).toMatch(/cannot be used/);
    expect(text).not.toContain('swordfish');
  });
});
