import { z } from 'zod';
import type { Layout } from '../round/run-folder.ts';
import type { ServerSettings } from '../round/settings.ts';
import { addressRangeProblem } from '../transport/grpc/peer-address.ts';
import type { ConfigurationDocument } from './document.ts';
import { readConfigurationDocument } from './document.ts';
import type { ParsedConfiguration } from './parse.ts';
import { parseDocument } from './parse.ts';
import type { BoxSection, GrpcSection, TransportKind } from './sections.ts';
import {
  aggregatorName,
  BOX_SECTION,
  className,
  defaultGrpcSection,
  GRPC_SECTION,
  grpcFaults,
  heartbeatFaults,
  heartbeatSeconds,
  seconds,
  transportOf,
  unknownType,
} from './sections.ts';
import { assertSide } from './wrong-side.ts';

const SERVER_SCHEMA = z.object({
  server_type: className,
  server_manager_type: className.optional(),
  box_configuration: BOX_SECTION.nullable().default(null),
  grpc_configuration: GRPC_SECTION.nullable().default(null),
  task_configuration_file: z.string().min(1),
  config_type: className.nullable().default(null),
  executor_type: className.nullable().default(null),
  executor_options: z.record(z.string(), z.unknown()).nullable().default(null),
  aggregator_type: aggregatorName.default('mila.aggregators.PlainTorchAggregator'),
  aggregator_options: z.record(z.string(), z.unknown()).nullable().default(null),
  rounds_count: z.number().int().min(1).max(1_000_000).default(10),
  save_path: z.string().min(1).default('data/logs/server/'),
  start_point: z.string().min(1).nullable().default(null),
  workers: z.number().int().min(1).default(2),
  minimum_clients: z.number().int().min(1).max(10_000).default(2),
  maximum_clients: z.number().int().min(1).max(10_000).default(100),
  client_wait_time: z
    .number()
    .min(0)
    .default(10)
    .transform((value) => value * 1000),
  heartbeat_timeout: seconds(300),
  heartbeat_frequency: heartbeatSeconds,
  blacklist: z.array(z.string()).default([]),
  whitelist: z.array(z.string()).default([]),
  use_whitelist: z.boolean().default(false),
  layout: z.enum(['documented', 'kmol']).default('documented'),
  rejoin: z.boolean().default(true),
  round_deadline: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .transform((value) => (value === null ? null : value * 1000)),
  round_share: z.number().gt(0).max(1).default(1),
  round_minimum: z.number().int().min(1).default(1),
});

type ServerValues = z.infer<typeof SERVER_SCHEMA>;

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
  readonly startPoint: string | null;
  readonly workers: number;
  readonly blacklist: readonly string[];
  readonly whitelist: readonly string[];
  readonly useWhitelist: boolean;
  readonly layout: Layout;
  readonly settings: ServerSettings;
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
  if (other !== transport)
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

function contradictions(value: Partial<ServerValues>): readonly string[] {
  const most = ['maximum_clients', value.maximum_clients] as const;
  return [
    ...transportFaults(value),
    ...aboveFault(['minimum_clients', value.minimum_clients], most, 'no round could ever begin'),
    ...aboveFault(['round_minimum', value.round_minimum], most, 'no round could ever close'),
    ...(value.heartbeat_frequency === undefined || value.heartbeat_timeout === undefined
      ? []
      : heartbeatFaults(value.heartbeat_frequency, value.heartbeat_timeout)),
    ...(value.use_whitelist === true && value.whitelist?.length === 0
      ? ['use_whitelist is true, but whitelist names nobody: nobody could ever take part']
      : []),
  ];
}

/** Weights by the task's test data make the test of the final model worth less than it seems. */
function benchmarkOddities({ aggregator_type, aggregator_options }: ServerValues): readonly string[] {
  if (!/benchmark/i.test(aggregator_type) || aggregator_options?.['config_path'] !== undefined) return [];
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
    heartbeatTimeoutMs: value.heartbeat_timeout,
    rejoin: value.rejoin,
    stragglers: {
      deadlineMs: value.round_deadline,
      share: value.round_share,
      minimumUpdates: value.round_minimum,
    },
  };
}

/** Judge a server's configuration document. Errors: ConfigError 'configuration-invalid' with every fault. */
export function parseServerConfiguration(
  document: ConfigurationDocument,
  path: string,
): ParsedConfiguration<ServerConfiguration> {
  assertSide(document, path, 'server');
  return parseDocument(document, {
    path,
    schema: SERVER_SCHEMA,
    aliases: { servicer_type: 'server_manager_type' },
    contradictions,
    oddities: (value) => [...addressOddities(value), ...benchmarkOddities(value)],
    finish: (value) => ({
      role: 'server' as const,
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
      startPoint: value.start_point,
      workers: value.workers,
      blacklist: value.blacklist,
      whitelist: value.whitelist,
      useWhitelist: value.use_whitelist,
      layout: value.layout,
      settings: settingsOf(value),
    }),
  });
}

/** Read and judge a server's configuration file. */
export async function loadServerConfiguration(
  path: string,
): Promise<ParsedConfiguration<ServerConfiguration>> {
  return parseServerConfiguration(await readConfigurationDocument(path), path);
}
