import { BUILT_IN_TRAINER } from '../../fl/executor/executor-names.ts';
import { EMULATOR_KEY_FILE } from '../rehearsal/local-federation.ts';
import type { FederationChoice, Transport } from './federation-choice.ts';

/** Configurations of a federation's two sides, by file name. */
export type StarterConfigurations = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The names that all sites share. */
const SHARED_FOLDER = 'federation';
const SESSION_FOLDER = 'first_run';
const GROUP = 'federation';
/** The key file that Box makes for an application. */
export const BOX_KEY_FILE = 'box-key.json';
/** Where the certificates of a federation over gRPC stand. */
export const CERTIFICATES = 'certificates';
const certificateFile = (name: string) => `${CERTIFICATES}/${name}`;
/** What everybody trusts. */
export const ROOT_CERTIFICATE = certificateFile('root.crt');
const GRPC_TARGET = 'localhost:8024';
const ROUNDS = 3;

function boxSection({ transport, emulator }: FederationChoice): Record<string, unknown> {
  const place = { shared_dir_name: SHARED_FOLDER, save_path: SESSION_FOLDER };
  if (transport === 'dir') return place;
  return {
    box_configuration_path: emulator ? EMULATOR_KEY_FILE : BOX_KEY_FILE,
    ...place,
    group_name: GROUP,
  };
}

function grpcSection(name: string): Record<string, unknown> {
  return {
    target: GRPC_TARGET,
    use_secure_connection: true,
    ssl_private_key: certificateFile(`${name}.key`),
    ssl_cert: certificateFile(`${name}.crt`),
    ssl_root_cert: ROOT_CERTIFICATE,
  };
}

const SERVER_TYPES: Readonly<Record<'box' | 'grpc', Record<string, string>>> = {
  box: {
    server_type: 'mila.services.servers.BoxServer',
    server_manager_type: 'mila.services.server_manager.BoxServicer',
  },
  grpc: {
    server_type: 'mila.services.servers.GrpcServer',
    server_manager_type: 'mila.services.server_manager.GrpcServicer',
  },
};

/** A plain folder is used as a mount of Box would be. */
const kindOf = (transport: Transport): 'box' | 'grpc' => (transport === 'grpc' ? 'grpc' : 'box');

function transportSection(choice: FederationChoice, name: string): Record<string, unknown> {
  return kindOf(choice.transport) === 'grpc'
    ? { grpc_configuration: grpcSection(name) }
    : { box_configuration: boxSection(choice) };
}

function serverConfiguration(choice: FederationChoice): Record<string, unknown> {
  const count = choice.participants.length;
  return {
    ...SERVER_TYPES[kindOf(choice.transport)],
    ...transportSection(choice, 'server'),
    task_configuration_file: 'task.json',
    aggregator_type: 'mila.aggregators.PlainTorchAggregator',
    rounds_count: ROUNDS,
    minimum_clients: count,
    maximum_clients: count,
  };
}

function trainerSection({ trainer, python }: FederationChoice, index: number): Record<string, unknown> {
  if (trainer === 'digits')
    return { executor_type: BUILT_IN_TRAINER, model_overwrites: { partition_index: index } };
  if (trainer === 'kmol') return { executor_type: 'kmol.run.Executor', model_overwrites: {} };
  return {
    executor_type: 'mila.executors.Command',
    executor_options: {
      command: [python, 'train.py', '{config}', '{checkpoint}', '{output}', '{participant}'],
      result_file: 'result.json',
    },
    model_overwrites: {},
  };
}

function clientConfiguration(choice: FederationChoice, name: string, index: number): Record<string, unknown> {
  const type = kindOf(choice.transport) === 'grpc' ? 'GrpcClient' : 'BoxClient';
  return {
    name,
    client_type: `mila.services.clients.${type}`,
    ...transportSection(choice, name),
    ...trainerSection(choice, index),
  };
}

/** What every site trains alike. */
function taskOf({ trainer, participants }: FederationChoice): Record<string, unknown> {
  if (trainer === 'pytorch') return { seed: 1, epochs: 30, learning_rate: 0.01 };
  // kMoL's own keys are its users' to fill in.
  if (trainer === 'kmol') return { epochs: 5 };
  const partition = { by: 'label', clients: participants.length, skew: 0.8, samples: 6_000, seed: 1 };
  return { dataset: 'mnist', partition, epochs: 1, batch_size: 32, learning_rate: 0.03, seed: 1 };
}

/** The configuration files of a new federation. Guarantees: each is one that `mila config check` finds no fault in. */
export function starterConfigurations(choice: FederationChoice): StarterConfigurations {
  const clients = choice.participants.map(
    (name, index) => [`${name}.json`, clientConfiguration(choice, name, index)] as const,
  );
  return {
    'server.json': serverConfiguration(choice),
    ...Object.fromEntries(clients),
    'task.json': taskOf(choice),
  };
}
