import { executorFaults } from '../executor/executor-names.ts';
import type { ClientSettings } from '../round/client-state.ts';
import { nameProblem } from '../round/run-folder.ts';
import type { TrackingTarget } from '../tracking/tracked-run.ts';
import type { UploadScope } from '../transport/outgoing-update.ts';
import type { BoxSection } from './box-section.ts';
import { CLIENT_ALIASES, CLIENT_SCHEMA, type ClientValues } from './client-keys.ts';
import type { ConfigurationDocument } from './document.ts';
import { readConfigurationDocument } from './document.ts';
import type { GrpcSection } from './grpc-section.ts';
import { defaultGrpcSection, grpcFaults } from './grpc-section.ts';
import type { Side } from './judge.ts';
import { heartbeatFaults, type TransportKind, transportOf, unknownType } from './key-values.ts';
import type { NotifySection } from './notify-section.ts';
import type { ParsedConfiguration } from './parse.ts';
import { parseDocument } from './parse.ts';
import { trackingFaults } from './tracking-section.ts';
import { assertSide } from './wrong-side.ts';

/** A client's configuration, judged. Units: durations in milliseconds. */
export interface ClientConfiguration {
  readonly role: 'client';
  readonly path: string;
  readonly name: string;
  readonly transport: TransportKind;
  readonly box: BoxSection | null;
  readonly grpc: GrpcSection | null;
  readonly savePath: string;
  readonly tracking: readonly TrackingTarget[];
  readonly notify: NotifySection | null;
  /** Null leaves it to the server. */
  readonly heartbeatFrequencyMs: number | null;
  readonly retryTimeoutMs: number;
  readonly modelOverwrites: Readonly<Record<string, unknown>>;
  readonly configType: string;
  readonly executorType: string;
  readonly executorOptions: Readonly<Record<string, unknown>>;
  readonly upload: UploadScope;
  readonly settings: ClientSettings;
}

/** Names under which kMoL's texts know the same classes. */
const TYPE_ALIASES: Readonly<Record<string, string>> = {
  'kmol.config.Config': 'kmol.core.config.Config',
  'run.Executor': 'kmol.run.Executor',
};

const canonical = (typeName: string): string => TYPE_ALIASES[typeName] ?? typeName;

function contradictions(value: Partial<ClientValues>): readonly string[] {
  const { name, client_type, box_configuration, grpc_configuration, heartbeat_frequency, heartbeat_timeout } =
    value;
  const faults: string[] = [];
  const problem = name === undefined ? undefined : nameProblem(name);
  if (problem !== undefined) faults.push(`name is ${JSON.stringify(name)}: ${problem}`);
  const transport = client_type === undefined ? 'unknown' : transportOf(client_type);
  if (transport === undefined)
    faults.push(
      unknownType('client_type', client_type ?? '', [
        'mila.services.clients.BoxClient',
        'mila.services.clients.GrpcClient',
      ]),
    );
  if (transport === 'box' && box_configuration === null)
    faults.push('box_configuration is missing: a BoxClient needs it');
  if (transport === 'grpc') faults.push(...grpcFaults(grpc_configuration ?? null));
  if (heartbeat_frequency !== undefined && heartbeat_timeout !== undefined)
    faults.push(...heartbeatFaults(heartbeat_frequency, heartbeat_timeout));
  faults.push(...trackingFaults(value.tracking));
  return faults;
}

/** What a client's file may say, for whoever only needs its folder in Box. */
export const CLIENT_MOUNT_SIDE: Side<typeof CLIENT_SCHEMA.shape> = {
  schema: CLIENT_SCHEMA,
  aliases: CLIENT_ALIASES,
  elsewhere: [],
  contradictions,
  oddities: () => [],
};

function optionsFaults({ executor_type: type, executor_options: options }: Partial<ClientValues>) {
  return type === undefined || options === undefined ? [] : executorFaults(type, options ?? {});
}

/** What a client's file may say, for the client itself. */
export const CLIENT_SIDE: Side<typeof CLIENT_SCHEMA.shape> = {
  ...CLIENT_MOUNT_SIDE,
  contradictions: (value) => [...contradictions(value), ...optionsFaults(value)],
};

function finished(value: ClientValues, path: string): ClientConfiguration {
  return {
    role: 'client',
    path,
    name: value.name,
    transport: transportOf(value.client_type) ?? 'box',
    box: value.box_configuration,
    grpc:
      value.grpc_configuration ?? (transportOf(value.client_type) === 'grpc' ? defaultGrpcSection() : null),
    savePath: value.save_path,
    tracking: value.tracking,
    notify: value.notify,
    heartbeatFrequencyMs: value.heartbeat_frequency ?? null,
    retryTimeoutMs: value.retry_timeout,
    modelOverwrites: value.model_overwrites ?? {},
    configType: canonical(value.config_type),
    executorType: canonical(value.executor_type),
    executorOptions: value.executor_options ?? {},
    upload: value.upload,
    settings: {
      trainingRetries: value.training_retries,
      rejoinWaitMs: value.rejoin_wait,
      finalModelWaitMs: value.final_model_wait,
    },
  };
}

/** Judge a client's configuration document. Errors: ConfigError 'configuration-invalid' with every fault. */
export function parseClientConfiguration(
  document: ConfigurationDocument,
  path: string,
  side = CLIENT_MOUNT_SIDE,
): ParsedConfiguration<ClientConfiguration> {
  assertSide(document, path, 'client');
  return parseDocument(document, { path, side, finish: (value) => finished(value, path) });
}

/** Read and judge a client's configuration file, also the options of what the client runs. */
export async function loadClientConfiguration(
  path: string,
): Promise<ParsedConfiguration<ClientConfiguration>> {
  return parseClientConfiguration(await readConfigurationDocument(path), path, CLIENT_SIDE);
}
