import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BUILT_IN_TRAINER } from '../../fl/executor/executor-names.ts';
import type { Site } from '../site-programs.ts';

/** How the models travel. */
export type DemoTransport = 'box' | 'grpc';

/** The size and seed of a demo. */
export interface DemoSize {
  readonly clients: number;
  readonly rounds: number;
  readonly seed: number;
  readonly transport: DemoTransport;
}

/** Where everything of a demo stands. */
export interface SessionFiles {
  /** The JWT configuration file that the emulator writes. */
  readonly boxConfiguration: string;
  readonly server: Site;
  readonly clients: readonly Site[];
}

/** The names that the administrator and all configurations share. */
export const BOX = { groupName: 'kmol group', folderName: 'kmol folder', savePath: 'jwt/mnist_run' } as const;

/** Where a demo over gRPC keeps its certificates, and what its server is called in them. */
export const GRPC = { certificates: 'certificates', host: 'localhost' } as const;

/** MNIST digits per client; with five sites and more, all 60,000 of the training set are given out. */
const DIGITS_PER_CLIENT = 6_000;
const DIGITS_MAX = 60_000;

/** The training that every client does in a round: a second or so of computation, stable over seeds and sizes. */
function taskOf({ clients, seed }: DemoSize): Record<string, unknown> {
  const samples = Math.min(DIGITS_MAX, DIGITS_PER_CLIENT * clients);
  return {
    dataset: 'mnist',
    partition: { by: 'label', clients, skew: 0.8, samples, seed },
    epochs: 2,
    batch_size: 32,
    learning_rate: 0.03,
    seed,
  };
}

const boxSection = {
  box_configuration_path: '../box.json',
  shared_dir_name: BOX.folderName,
  save_path: BOX.savePath,
  group_name: BOX.groupName,
  mount_path: 'box',
};

/** Port 0 lets the system choose. */
function grpcSection(name: string, port: number) {
  const file = (suffix: string) => `../${GRPC.certificates}/${suffix}`;
  return {
    grpc_configuration: {
      target: `${GRPC.host}:${port}`,
      use_secure_connection: true,
      ssl_private_key: file(`${name}.key`),
      ssl_cert: file(`${name}.crt`),
      ssl_root_cert: file('root.crt'),
    },
  };
}

function serverTransport(transport: DemoTransport): Record<string, unknown> {
  if (transport === 'grpc')
    return {
      server_type: 'mila.services.servers.GrpcServer',
      server_manager_type: 'mila.services.server_manager.GrpcServicer',
      ...grpcSection('server', 0),
    };
  return {
    server_type: 'mila.services.servers.BoxServer',
    server_manager_type: 'mila.services.server_manager.BoxServicer',
    box_configuration: boxSection,
  };
}

function serverConfiguration({ clients, rounds, transport }: DemoSize): Record<string, unknown> {
  return {
    ...serverTransport(transport),
    task_configuration_file: 'task.json',
    aggregator_type: 'mila.aggregators.PlainTorchAggregator',
    aggregator_options: {},
    rounds_count: rounds,
    save_path: 'logs/',
    start_point: null,
    minimum_clients: clients,
    maximum_clients: clients,
    client_wait_time: 1,
    heartbeat_timeout: 60,
  };
}

const overBox = { client_type: 'mila.services.clients.BoxClient', box_configuration: boxSection };

function clientConfiguration(
  name: string,
  index: number,
  transport: Record<string, unknown>,
): Record<string, unknown> {
  return {
    name,
    ...transport,
    save_path: 'logs/',
    heartbeat_frequency: 10,
    model_overwrites: { partition_index: index },
    executor_type: BUILT_IN_TRAINER,
  };
}

const writeJson = (path: string, value: unknown) =>
  writeFile(path, `${JSON.stringify(value, undefined, 2)}\n`);

/** What the clients of a demo are called. */
export const clientNames = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `tester${index + 1}`);

/** Tell the clients' configuration files where the server listens. */
export async function connectClients(clients: readonly Site[], port: number): Promise<void> {
  for (const [index, { name, directory, configuration }] of clients.entries()) {
    const client_type = 'mila.services.clients.GrpcClient';
    const transport = { client_type, retry_timeout: 0.2, ...grpcSection(name, port) };
    await writeJson(join(directory, configuration), clientConfiguration(name, index, transport));
  }
}

/** Write the ordinary configuration files of a server and its clients below `directory`. */
export async function writeSessionFiles(directory: string, size: DemoSize): Promise<SessionFiles> {
  const site = async (role: Site['role'], name: string, configuration: unknown): Promise<Site> => {
    const made = { role, name, directory: join(directory, name), configuration: `${role}.json` };
    await mkdir(made.directory, { recursive: true });
    await writeJson(join(made.directory, made.configuration), configuration);
    return made;
  };
  const server = await site('server', 'server', serverConfiguration(size));
  await writeJson(join(server.directory, 'task.json'), taskOf(size));
  const names = clientNames(size.clients);
  const clients = await Promise.all(
    names.map((name, index) => site('client', name, clientConfiguration(name, index, overBox))),
  );
  return { boxConfiguration: join(directory, 'box.json'), server, clients };
}
