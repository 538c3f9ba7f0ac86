import { expect, it } from 'vitest';
import { ConfigError } from '../../../../src/errors.ts';
import { CLIENT_SIDE, parseClientConfiguration } from '../../../../src/fl/config/client-configuration.ts';
import { parseServerConfiguration, SERVER_SIDE } from '../../../../src/fl/config/server-configuration.ts';

const BOX = { shared_dir_name: 'shared', save_path: 'run' };
const SERVER = {
  server_type: 'mila.services.servers.BoxServer',
  task_configuration_file: 'task.json',
  box_configuration: BOX,
};
const GRPC_SERVER = { server_type: 'GrpcServer', task_configuration_file: 'task.json' };
const CLIENT = { name: 'site_a', client_type: 'mila.services.clients.BoxClient', box_configuration: BOX };

function faultsOf(parse: () => unknown): readonly string[] {
  try {
    parse();
  } catch (error) {
    if (error instanceof ConfigError) return error.data['faults'] as string[];
    throw error;
  }
  return [];
}
const server = (document: object) =>
  faultsOf(() => parseServerConfiguration({ ...document }, 's.json', SERVER_SIDE));
const client = (document: object) =>
  faultsOf(() => parseClientConfiguration({ ...document }, 'c.json', CLIENT_SIDE));

it('tells faults within sections and contradictions between their sound keys in one go', () => {
  const faults = server({
    ...GRPC_SERVER,
    grpc_configuration: {
      use_secure_connection: true,
      ssl_cert: 5,
      transfer_timeout: -1,
      options: [['a']],
      names: 'certifcate',
      use_secure_conection: true,
    },
    minimum_clients: 5,
    maximum_clients: 3,
    layout: 'kmoll',
    aggregator_type: 'trimmed-mean',
    aggregator_options: { fraction: 2, norm_limt: 3 },
  });
  expect(faults).toEqual([
    expect.stringMatching(/^grpc_configuration\.options\.0/),
    expect.stringMatching(/^grpc_configuration\.ssl_cert is 5/),
    expect.stringMatching(/^grpc_configuration\.transfer_timeout is -1/),
    expect.stringMatching(/^grpc_configuration\.names is "certifcate".*did you mean certificate\?/),
    expect.stringMatching(/^layout is "kmoll".*did you mean kmol\?/),
    'grpc_configuration.ssl_private_key is missing: use_secure_connection needs it',
    'grpc_configuration.ssl_root_cert is missing: use_secure_connection needs it',
    expect.stringMatching(/^minimum_clients 5 is above maximum_clients 3/),
    expect.stringMatching(/^aggregator_options\.fraction is 2/),
    expect.stringMatching(/no key "norm_limt"; did you mean norm_limit\?/),
    'unknown key grpc_configuration.use_secure_conection; did you mean grpc_configuration.use_secure_connection?',
  ]);
});

it.each([
  [{ account: 'app-user' }, /account is "app-user".*did you mean app_user\?/],
  [{ account: 'service_acount' }, /did you mean service_account\?/],
])('names the value of box_configuration that %j is near to', (keys, words) => {
  expect(client({ ...CLIENT, box_configuration: { ...BOX, ...keys } })).toEqual([
    expect.stringMatching(words),
  ]);
});

it('names the class that a misspelt type is near to', () => {
  expect(server({ ...SERVER, server_manager_type: 'mila.services.server_manager.BxServicer' })).toEqual([
    expect.stringMatching(
      /^server_manager_type is .*did you mean mila\.services\.server_manager\.BoxServicer/,
    ),
  ]);
  expect(client({ ...CLIENT, executor_type: 'kmol.run.Exekutor', training_retries: -1 })).toEqual([
    expect.stringMatching(/^training_retries/),
    expect.stringMatching(
      /^executor_type "kmol\.run\.Exekutor" is not known; did you mean kmol\.run\.Executor/,
    ),
  ]);
});

it.each([
  ['servicer_typ', 'servicer_type'],
  ['use_secure_conection', 'use_secure_connection'],
  ['tranfer_timeout', 'transfer_timeout'],
])('knows the top-level spelling of older texts that %s is a slip for', (key, meant) => {
  expect(server({ ...GRPC_SERVER, [key]: 1 })).toEqual([`unknown key ${key}; did you mean ${meant}?`]);
});

it('takes the key of the other side for no slip of the pen', () => {
  const { warnings } = parseServerConfiguration({ ...SERVER, name: 'server' }, 's.json');
  expect(warnings).toEqual(['s.json: unknown key name is ignored']);
});

it('tells what is wrong with a key that stands twice, and which of the two counts', () => {
  expect(server({ ...GRPC_SERVER, target: 5, grpc_configuration: { target: 'a:1' } })).toEqual([
    expect.stringMatching(/^target is 5: a text in quotes/),
    'target is ignored: grpc_configuration.target counts',
  ]);
  expect(server({ ...GRPC_SERVER, server_manager_type: 'GrpcServicer', servicer_type: '!' })).toEqual([
    expect.stringMatching(/^servicer_type is "!"/),
    'servicer_type is ignored: server_manager_type counts',
  ]);
});

it('does not let a key beside a section hide that the section is none', () => {
  expect(server({ ...GRPC_SERVER, grpc_configuration: 5, target: 'a:1' })).toEqual([
    expect.stringMatching(/^grpc_configuration is 5: keys and values/),
  ]);
});

it('tells the faults of executor_options with those of the file, placeholders among them', () => {
  expect(
    client({
      ...CLIENT,
      rejoin_wait: 0,
      executor_type: 'mila.executors.Command',
      executor_options: { comand: ['python3'] },
    }),
  ).toEqual([
    expect.stringMatching(/^rejoin_wait is 0/),
    expect.stringMatching(/no key "comand"; did you mean command\?/),
    expect.stringMatching(/^executor_options\.command: missing/),
  ]);
  expect(client({ ...CLIENT, executor_options: { command: ['a', '{confg}', '{chekpoint}'] } })).toEqual([
    expect.stringMatching(/\{confg\} stands for nothing; did you mean \{config\}/),
    expect.stringMatching(/\{chekpoint\} stands for nothing; did you mean \{checkpoint\}/),
  ]);
});

it('leaves the options of what trains to the client: whoever mounts for another program needs none', () => {
  const foreign = { ...CLIENT, executor_type: 'lab.executors.Own', executor_options: { any: 1 } };
  expect(faultsOf(() => parseClientConfiguration(foreign, 'c.json'))).toEqual([]);
  expect(client(foreign)).toHaveLength(1);
});

it.each(['env:', 'env:1X', 'env:A B', 'env:A-B'])('refuses the variable %j for a key', (path) => {
  const box_configuration = { ...BOX, box_configuration_path: path };
  expect(server({ ...SERVER, box_configuration })).toEqual([
    expect.stringMatching(/box_configuration_path is .*env:BOX_CONFIG_JSON/),
  ]);
});
