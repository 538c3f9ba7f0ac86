import { join } from 'node:path';
import { LosslessNumber } from 'lossless-json';
import { expect, it } from 'vitest';
import { ConfigError } from '../../../../src/errors.ts';
import { parseClientConfiguration } from '../../../../src/fl/config/client-configuration.ts';
import { parseConfigurationText } from '../../../../src/fl/config/document.ts';
import { defaultGrpcSection } from '../../../../src/fl/config/grpc-section.ts';
import { nearestKey } from '../../../../src/fl/config/known-keys.ts';
import {
  loadServerConfiguration,
  parseServerConfiguration,
} from '../../../../src/fl/config/server-configuration.ts';
import { loadParticipantConfiguration, participantOf } from '../../../../src/fl/config.ts';
import { connectionLimits } from '../../../../src/fl/transport/grpc/federation-limits.ts';

const fixture = (name: string) => join(import.meta.dirname, '../../../../fixtures/configurations', name);

const CLIENT = {
  name: 'site_a',
  client_type: 'mila.services.clients.BoxClient',
  box_configuration: { shared_dir_name: 'shared', save_path: 'run' },
};
const SERVER = {
  server_type: 'mila.services.servers.BoxServer',
  box_configuration: { shared_dir_name: 'shared', save_path: 'run' },
  task_configuration_file: 'task.json',
};

function faultsOf(act: () => unknown): readonly string[] {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error.data['faults'] as string[];
    throw error;
  }
  return [];
}

it("reads a server's configuration with kMoL's keys, durations in milliseconds", async () => {
  const { configuration, warnings } = await loadServerConfiguration(fixture('server.box.json'));
  expect(warnings).toEqual([]);
  expect(configuration).toMatchObject({
    transport: 'box',
    box: { shared_dir_name: 'federation', save_path: 'solubility/phase_1' },
    aggregatorType: 'mila.aggregators.WeightedTorchAggregator',
    settings: { roundsCount: 20, maximumClients: 10, clientWaitTimeMs: 30_000, heartbeatTimeoutMs: 600_000 },
  });
});

it.each(['rules.mine.First', 'rules/mine.mjs:First', './mine.js:first', 'trimmed-mean'])(
  'takes %s for an aggregator',
  (name) => {
    const { configuration } = parseServerConfiguration({ ...SERVER, aggregator_type: name }, 'server.json');
    expect(configuration.aggregatorType).toBe(name);
  },
);

it("reads YAML, the guide's top-level gRPC keys and the older name of the servicer's key", async () => {
  const { configuration, warnings } = await loadServerConfiguration(fixture('server.guide.yaml'));
  expect(warnings).toEqual([]);
  expect(configuration).toMatchObject({
    transport: 'grpc',
    grpc: { target: 'localhost:8024', use_secure_connection: false },
    settings: { roundsCount: 5, minimumClients: 3, clientWaitTimeMs: 10_000 },
  });
});

it("reads a client's configuration and maps older names of kMoL's classes", async () => {
  const { configuration } = await loadParticipantConfiguration(fixture('client.box.json'));
  expect(participantOf(configuration)).toBe('site_a');
  expect(configuration).toMatchObject({
    role: 'client',
    executorType: 'kmol.run.Executor',
    configType: 'kmol.core.config.Config',
    heartbeatFrequencyMs: 60_000,
    modelOverwrites: { output_path: 'data/logs/local/', epochs: new LosslessNumber('5') },
  });
});

it('fills in the documented defaults', () => {
  const { configuration } = parseServerConfiguration(SERVER, 'server.json');
  expect(configuration).toMatchObject({
    aggregatorType: 'mila.aggregators.PlainTorchAggregator',
    savePath: 'data/logs/server/',
    startPoint: null,
    layout: 'documented',
    settings: {
      roundsCount: 10,
      minimumClients: 2,
      maximumClients: 100,
      clientWaitTimeMs: 10_000,
      heartbeatTimeoutMs: 2_700_000,
      rejoin: true,
      stragglers: { deadlineMs: null, share: 1, minimumUpdates: 1 },
    },
  });
});

it('leaves how often a client beats to its server, and waits less long for beats that cost nothing', () => {
  expect(parseClientConfiguration(CLIENT, 'a.json').configuration.heartbeatFrequencyMs).toBeNull();
  const { box_configuration: _, ...rest } = SERVER;
  const overGrpc = { ...rest, server_type: 'GrpcServer', target: 'localhost:8024' };
  const { settings } = parseServerConfiguration(overGrpc, 'server.json').configuration;
  expect(settings.heartbeatTimeoutMs).toBe(300_000);
});

it('names an unknown key with the nearest known one', () => {
  const { warnings } = parseServerConfiguration(
    { ...SERVER, round_counters: 3, zzz_unlike_any: 1 },
    'server.json',
  );
  expect(warnings).toEqual([
    'server.json: unknown key round_counters is ignored; did you mean rounds_count?',
    'server.json: unknown key zzz_unlike_any is ignored',
  ]);
  expect(nearestKey('share_dir_name', ['shared_dir_name', 'save_path'])).toBe('shared_dir_name');
});

it('reports all faults of a file at once, with key, found and allowed', () => {
  const faults = faultsOf(() =>
    parseServerConfiguration(
      { ...SERVER, rounds_count: 0, heartbeat_timeout: 'soon', task_configuration_file: undefined },
      'server.json',
    ),
  );
  expect(faults).toHaveLength(3);
  expect(faults.join('\n')).toMatch(/rounds_count is 0/);
  expect(faults.join('\n')).toMatch(/heartbeat_timeout is "soon"/);
  expect(faults.join('\n')).toMatch(/task_configuration_file is missing/);
});

it('refuses what contradicts itself', () => {
  const faults = faultsOf(() =>
    parseServerConfiguration(
      {
        ...SERVER,
        minimum_clients: 5,
        maximum_clients: 3,
        server_manager_type: 'mila.services.server_manager.GrpcServicer',
      },
      'server.json',
    ),
  );
  expect(faults).toHaveLength(2);
  expect(faultsOf(() => parseClientConfiguration({ ...CLIENT, box_configuration: null }, 'c.json'))).toEqual([
    'box_configuration is missing: a BoxClient needs it',
  ]);
});

it('reports contradictions beside other faults, and what a missing key may be misspelled as', () => {
  const { task_configuration_file, ...rest } = SERVER;
  const misspelled = { ...rest, task_configuraton_file: task_configuration_file };
  const faults = faultsOf(() =>
    parseServerConfiguration(
      { ...misspelled, rounds_count: 'many', minimum_clients: 5, maximum_clients: 3 },
      'server.json',
    ),
  );
  expect(faults).toHaveLength(3);
  expect(faults.join('\n')).toMatch(/task_configuration_file is missing \(is task_configuraton_file meant/);
  expect(faults.join('\n')).toMatch(/rounds_count is "many"/);
  expect(faults.join('\n')).toMatch(/minimum_clients 5 is above maximum_clients 3/);
});

it('refuses a heartbeat that is slower than its timeout, in a file of either side', () => {
  const slow = { heartbeat_frequency: 300, heartbeat_timeout: 300 };
  const said = expect.stringMatching(/heartbeat_frequency 300 s is not below heartbeat_timeout 300 s/);
  expect(faultsOf(() => parseServerConfiguration({ ...SERVER, ...slow }, 's.json'))).toEqual([said]);
  expect(faultsOf(() => parseClientConfiguration({ ...CLIENT, ...slow }, 'c.json'))).toEqual([said]);
  // What the server waits where nothing is said counts as well.
  expect(
    faultsOf(() => parseServerConfiguration({ ...SERVER, heartbeat_frequency: 2_700 }, 's.json')),
  ).toEqual([expect.stringMatching(/heartbeat_frequency 2700 s is not below heartbeat_timeout 2700 s/)]);
});

it('warns of weights by the data that is to test the final model', () => {
  const weighed = (options: object) =>
    parseServerConfiguration(
      {
        ...SERVER,
        aggregator_type: 'mila.aggregators.BenchmarkedTorchAggregator',
        aggregator_options: { target_metric: 'accuracy', ...options },
      },
      's.json',
    ).warnings;
  expect(weighed({})).toEqual([expect.stringMatching(/no test of the final model: .*config_path/)]);
  expect(weighed({ config_path: 'validation.json' })).toEqual([]);
});

it('says which keys have no effect over a shared folder', () => {
  const { warnings } = parseServerConfiguration({ ...SERVER, blacklist: ['10.0.0.1'] }, 's.json');
  expect(warnings).toEqual([expect.stringMatching(/^s\.json: blacklist has no effect over a shared folder/)]);
});

it.each(['lab.eu', '', '../up', 'a/b', 'server', ' padded', 'x'.repeat(65)])(
  'refuses the name %j',
  (name) => {
    expect(faultsOf(() => parseClientConfiguration({ ...CLIENT, name }, 'c.json'))).toHaveLength(1);
  },
);

it.each(['../up', 'a//b', 'a/./b', '/'])('refuses the shared path %j', (save_path) => {
  const box_configuration = { shared_dir_name: 'shared', save_path };
  expect(faultsOf(() => parseClientConfiguration({ ...CLIENT, box_configuration }, 'c.json'))).toHaveLength(
    1,
  );
});

it('says where a file is no JSON, and what is no configuration at all', () => {
  expect(() => parseConfigurationText('{"name": }', 'c.json')).toThrow(
    /c\.json is not a configuration: it is no JSON/,
  );
  expect(() => parseConfigurationText('[1, 2]', 'c.json')).toThrow(/no keys and values/);
  expect(() => parseConfigurationText('a: [1', 'c.yaml')).toThrow(/it is no YAML/);
});

const GRPC_SERVER = {
  server_type: 'mila.services.servers.GrpcServer',
  server_manager_type: 'mila.services.server_manager.GrpcServicer',
  task_configuration_file: 'task.json',
};

it('gives a gRPC side that says nothing the documented defaults', () => {
  const { configuration, warnings } = parseServerConfiguration(GRPC_SERVER, 'server.json');
  expect(warnings).toEqual([]);
  expect(configuration).toMatchObject({
    transport: 'grpc',
    grpc: {
      target: 'localhost:8024',
      use_secure_connection: false,
      transfer_timeout: 3_600_000,
      transfer_rate_minimum: 64_000,
      transfer_rate_window: 60_000,
      names: 'certificate',
      maximum_connections: null,
      connection_timeout: 20_000,
      options: [],
    },
  });
  const client = { name: 'a', client_type: 'mila.services.clients.GrpcClient', target: 'server:1' };
  expect(parseClientConfiguration(client, 'client.json').configuration.grpc?.target).toBe('server:1');
});

it('names what a secure connection lacks, and every entry of a list that is no address', () => {
  const secure = { ...GRPC_SERVER, use_secure_connection: true, ssl_cert: 'server.crt' };
  expect(faultsOf(() => parseServerConfiguration(secure, 'server.json'))).toEqual([
    'grpc_configuration.ssl_private_key is missing: use_secure_connection needs it',
    'grpc_configuration.ssl_root_cert is missing: use_secure_connection needs it',
  ]);
  const lists = { ...GRPC_SERVER, whitelist: ['10.0.0.0/8', 'site.example.org'], blacklist: ['1.2.3.4/40'] };
  expect(faultsOf(() => parseServerConfiguration(lists, 'server.json'))).toEqual([
    expect.stringContaining('blacklist.0: "1.2.3.4/40" is no IPv4 or IPv6 address'),
    expect.stringContaining('whitelist.1: "site.example.org" is no IPv4 or IPv6 address'),
  ]);
});

it('takes only what can be meant for names and limits of a gRPC server', () => {
  const section = (grpc_configuration: object) =>
    parseServerConfiguration({ ...GRPC_SERVER, grpc_configuration }, 'server.json').configuration.grpc;
  expect(section({ names: 'any', maximum_connections: 10, transfer_rate_minimum: 0 })).toMatchObject({
    names: 'any',
    maximum_connections: 10,
    transfer_rate_minimum: 0,
  });
  const wrong = { transfer_rate_minimum: -1, names: 'all', maximum_connections: 0, connection_timeout: 0 };
  expect(faultsOf(() => section(wrong))).toEqual(
    Object.keys(wrong).map((key) => expect.stringContaining(`grpc_configuration.${key} is `)),
  );
});

it('lets as many connections in as all clients behind one address can need', () => {
  const grpc = defaultGrpcSection();
  expect(connectionLimits(grpc, 100)).toMatchObject({ total: 1_024, perAddress: 400 });
  expect(connectionLimits(grpc, 1_000)).toMatchObject({ total: 4_000, perAddress: 4_000 });
  const given = { ...grpc, maximum_connections: 5, maximum_connections_per_address: 2 };
  expect(connectionLimits(given, 1_000)).toMatchObject({ total: 5, perAddress: 2 });
});

it("takes the server's account by id or name, and says what to name instead of a login", () => {
  const withAccount = (server_account: string) => ({
    ...CLIENT,
    box_configuration: { ...CLIENT.box_configuration, server_account },
  });
  for (const account of ['1234567', 'mila server']) {
    const { configuration, warnings } = parseClientConfiguration(withAccount(account), 'c.json');
    expect([configuration.box?.server_account, warnings]).toEqual([account, []]);
  }
  expect(faultsOf(() => parseClientConfiguration(withAccount('app@boxdevedition.com'), 'c.json'))).toEqual([
    expect.stringMatching(/server_account.*the id or the name of the account, not its login/),
  ]);
});
