import { optionFaults, ruleNamed } from '../aggregate/aggregator-options.ts';
import { executorFaults } from '../executor/executor-names.ts';
import type { Layout } from '../round/run-folder.ts';
import type { ServerSettings } from '../round/settings.ts';
import type { TrackingTarget } from '../tracking/tracked-run.ts';
import { addressRangeProblem } from '../transport/grpc/peer-address.ts';
import type { BoxSection } from './box-section.ts';
import type { ConfigurationDocument } from './document.ts';
import { readConfigurationDocument } from './document.ts';
import type { GrpcSection } from './grpc-section.ts';
import { defaultGrpcSection, grpcFaults } from './grpc-section.ts';
import type { Side } from './judge.ts';
import { heartbeatFaults, type TransportKind, transportOf, unknownType } from './key-values.ts';
import type { NotifySection } from './notify-section.ts';
import type { ParsedConfiguration } from './parse.ts';
import { parseDocument } from './parse.ts';
import { SERVER_ALIASES, SERVER_SCHEMA, type ServerValues } from './server-keys.ts';
import { trackingFaults } from './tracking-section.ts';
import { assertSide } from './wrong-side.ts';

/** A server's configuration, judged. Units: durations in milliseconds. */
export interface ServerConfiguration {
  readonly role: 'server';
  readonly path: string;
  readonly transport: TransportKind;
  readonly box: BoxSection | null;
  readonly grpc: GrpcSection | null;
  readonly taskFile: string;
  /** What evaluates checkpoints, for aggregators that weigh by a metric; null: nothing does. */
  readonly executorType: string | null;
  readonly executorOptions: Readonly<Record<string, unknown>>;
  readonly aggregatorType: string;
  readonly aggregatorOptions: Readonly<Record<string, unknown>>;
  readonly savePath: string;
  readonly tracking: readonly TrackingTarget[];
  readonly notify: NotifySection | null;
  readonly startPoint: string | null;
  readonly workers: number;
  readonly blacklist: readonly string[];
  readonly whitelist: readonly string[];
  readonly useWhitelist: boolean;
  readonly layout: Layout;
  readonly settings: ServerSettings;
  /** Units: milliseconds. */
  readonly statusFrequencyMs: number;
}

function listFaults(value: Partial<ServerValues>): readonly string[] {
  return (['blacklist', 'whitelist'] as const).flatMap((key) =>
    (value[key] ?? []).flatMap((entry, index) => {
      const problem = addressRangeProblem(entry);
      return problem === undefined ? [] : [`${key}.${index}: ${problem}`];
    }),
  );
}

function transportFaults(value: Partial<ServerValues>): readonly string[] {
  const { server_type, server_manager_type, box_configuration, grpc_configuration } = value;
  if (server_type === undefined) return [];
  const faults: string[] = [];
  const transport = transportOf(server_type);
  if (transport === undefined)
    faults.push(
      unknownType('server_type', server_type, [
        'mila.services.servers.BoxServer',
        'mila.services.servers.GrpcServer',
      ]),
    );
  if (transport === 'box' && box_configuration === null)
    faults.push('box_configuration is missing: a BoxServer needs it');
  const other = server_manager_type === undefined ? transport : transportOf(server_manager_type);
  if (other === undefined && server_manager_type !== undefined)
    faults.push(
      unknownType('server_manager_type', server_manager_type, [
        'mila.services.server_manager.BoxServicer',
        'mila.services.server_manager.GrpcServicer',
      ]),
    );
  else if (other !== transport && transport !== undefined)
    faults.push(`server_manager_type "${server_manager_type}" does not go with "${server_type}"`);
  if (transport === 'grpc') faults.push(...grpcFaults(grpc_configuration ?? null), ...listFaults(value));
  return faults;
}

/** A number that must not be above another one, and what would come of it. */
function aboveFault(
  [name, value]: readonly [string, number | undefined],
  [limitName, limit]: readonly [string, number | undefined],
  consequence: string,
): readonly string[] {
  if (value === undefined || limit === undefined || value <= limit) return [];
  return [`${name} ${value} is above ${limitName} ${limit}: ${consequence}`];
}

/** Over Box a beat is a call, and three of the rarest that nobody asked for fit in; over gRPC it costs nothing. Units: milliseconds. */
const HEARTBEAT_TIMEOUT_MS: Readonly<Record<TransportKind, number>> = { box: 2_700_000, grpc: 300_000 };

function heartbeatTimeoutMs({ heartbeat_timeout, server_type = '' }: Partial<ServerValues>): number {
  return heartbeat_timeout ?? HEARTBEAT_TIMEOUT_MS[transportOf(server_type) ?? 'box'];
}

function contradictions(value: Partial<ServerValues>): readonly string[] {
  const most = ['maximum_clients', value.maximum_clients] as const;
  return [
    ...transportFaults(value),
    ...trackingFaults(value.tracking),
    ...aboveFault(['minimum_clients', value.minimum_clients], most, 'no round could ever begin'),
    ...aboveFault(['round_minimum', value.round_minimum], most, 'no round could ever close'),
    ...(value.heartbeat_frequency === undefined
      ? []
      : heartbeatFaults(value.heartbeat_frequency, heartbeatTimeoutMs(value))),
    ...(value.use_whitelist === true && value.whitelist?.length === 0
      ? ['use_whitelist is true, but whitelist names nobody: nobody could ever take part']
      : []),
  ];
}

const isBenchmarked = (aggregatorType: string) => /benchmark/i.test(aggregatorType);

/**
 * What is wrong with the options of the rule, and of the executor where the rule has one evaluate: kMoL's configurations
 * name an executor that its server never uses. What a module of the user's own takes, nobody knows here.
 */
function optionsFaults({
  aggregator_type: type,
  aggregator_options: options,
  executor_type: executorType,
  executor_options: executorOptions,
}: Partial<ServerValues>): readonly string[] {
  if (type === undefined) return [];
  const rule = ruleNamed(type);
  const ofRule = rule === undefined || options === undefined ? [] : optionFaults(rule, options ?? {});
  if (!isBenchmarked(type) || executorType === undefined || executorOptions === undefined) return ofRule;
  if (executorType === null)
    return rule === undefined
      ? ofRule
      : [...ofRule, 'executor_type is missing: a benchmarked aggregator evaluates every update by it'];
  return [...ofRule, ...executorFaults(executorType, executorOptions ?? {})];
}

/** Weights by the task's test data make the test of the final model worth less than it seems. */
function benchmarkOddities({ aggregator_type, aggregator_options }: ServerValues): readonly string[] {
  if (!isBenchmarked(aggregator_type) || aggregator_options?.['config_path'] !== undefined) return [];
  return [
    'updates are weighed by the test data of task_configuration_file, which is then no test of the final model: name a configuration with validation data of its own in aggregator_options.config_path',
  ];
}

/** Keys of kMoL's that have no effect over a shared folder. */
function addressOddities(value: ServerValues): readonly string[] {
  if (transportOf(value.server_type) !== 'box') return [];
  const lists = (['blacklist', 'whitelist'] as const).filter((key) => value[key].length > 0);
  return lists.map(
    (key) => `${key} has no effect over a shared folder, where nobody has an address: its members decide`,
  );
}

function settingsOf(value: ServerValues): ServerSettings {
  return {
    roundsCount: value.rounds_count,
    minimumClients: value.minimum_clients,
    maximumClients: value.maximum_clients,
    members: null,
    clientWaitTimeMs: value.client_wait_time,
    heartbeatTimeoutMs: heartbeatTimeoutMs(value),
    rejoin: value.rejoin,
    stragglers: {
      deadlineMs: value.round_deadline,
      share: value.round_share,
      minimumUpdates: value.round_minimum,
    },
  };
}

/** What a server's file may say, for whoever only needs its folder in Box. */
export const SERVER_MOUNT_SIDE: Side<typeof SERVER_SCHEMA.shape> = {
  schema: SERVER_SCHEMA,
  aliases: SERVER_ALIASES,
  elsewhere: ['name'],
  contradictions,
  oddities: (value) => [...addressOddities(value), ...benchmarkOddities(value)],
};

/** What a server's file may say, for the server itself. */
export const SERVER_SIDE: Side<typeof SERVER_SCHEMA.shape> = {
  ...SERVER_MOUNT_SIDE,
  contradictions: (value) => [...contradictions(value), ...optionsFaults(value)],
};

function finished(value: ServerValues, path: string): ServerConfiguration {
  return {
    role: 'server',
    path,
    transport: transportOf(value.server_type) ?? 'box',
    box: value.box_configuration,
    grpc:
      value.grpc_configuration ?? (transportOf(value.server_type) === 'grpc' ? defaultGrpcSection() : null),
    taskFile: value.task_configuration_file,
    executorType: value.executor_type,
    executorOptions: value.executor_options ?? {},
    aggregatorType: value.aggregator_type,
    aggregatorOptions: value.aggregator_options ?? {},
    savePath: value.save_path,
    tracking: value.tracking,
    notify: value.notify,
    startPoint: value.start_point,
    workers: value.workers,
    blacklist: value.blacklist,
    whitelist: value.whitelist,
    useWhitelist: value.use_whitelist,
    layout: value.layout,
    settings: settingsOf(value),
    statusFrequencyMs: value.status_frequency,
  };
}

/** Judge a server's configuration document. Errors: ConfigError 'configuration-invalid' with every fault. */
export function parseServerConfiguration(
  document: ConfigurationDocument,
  path: string,
  side = SERVER_MOUNT_SIDE,
): ParsedConfiguration<ServerConfiguration> {
  assertSide(document, path, 'server');
  return parseDocument(document, { path, side, finish: (value) => finished(value, path) });
}

/** Read and judge a server's configuration file, also the options of what the server runs. */
export async function loadServerConfiguration(
  path: string,
): Promise<ParsedConfiguration<ServerConfiguration>> {
  return parseServerConfiguration(await readConfigurationDocument(path), path, SERVER_SIDE);
}
