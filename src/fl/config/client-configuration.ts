import { z } from 'zod';
import type { ClientSettings } from '../round/client-state.ts';
import { nameProblem } from '../round/run-folder.ts';
import type { ConfigurationDocument } from './document.ts';
import { readConfigurationDocument } from './document.ts';
import type { ParsedConfiguration } from './parse.ts';
import { parseDocument } from './parse.ts';
import type { BoxSection, GrpcSection, TransportKind } from './sections.ts';
import {
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

const CLIENT_SCHEMA = z.object({
  name: z.string(),
  client_type: className,
  box_configuration: BOX_SECTION.nullable().default(null),
  grpc_configuration: GRPC_SECTION.nullable().default(null),
  save_path: z.string().min(1).default('data/logs/client/'),
  heartbeat_frequency: seconds(60),
  heartbeat_timeout: heartbeatSeconds,
  retry_timeout: seconds(1),
  model_overwrites: z.record(z.string(), z.unknown()).nullable().default(null),
  config_type: className.default('kmol.core.config.Config'),
  executor_type: className.default('kmol.run.Executor'),
  executor_options: z.record(z.string(), z.unknown()).nullable().default(null),
  training_retries: z.number().int().min(0).max(100).default(0),
  rejoin_wait: seconds(600),
  final_model_wait: seconds(600),
});

type ClientValues = z.infer<typeof CLIENT_SCHEMA>;

/** A client's configuration, judged. Units: durations in milliseconds. */
export interface ClientConfiguration {
  readonly role: 'client';
  readonly path: string;
  readonly name: string;
  readonly transport: TransportKind;
  readonly box: BoxSection | null;
  readonly grpc: GrpcSection | null;
  readonly savePath: string;
  readonly heartbeatFrequencyMs: number;
  readonly retryTimeoutMs: number;
  readonly modelOverwrites: Readonly<Record<string, unknown>>;
  readonly configType: string;
  readonly executorType: string;
  readonly executorOptions: Readonly<Record<string, unknown>>;
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
  return faults;
}

/** Judge a client's configuration document. Errors: ConfigError 'configuration-invalid' with every fault. */
export function parseClientConfiguration(
  document: ConfigurationDocument,
  path: string,
): ParsedConfiguration<ClientConfiguration> {
  assertSide(document, path, 'client');
  return parseDocument(document, {
    path,
    schema: CLIENT_SCHEMA,
    aliases: {},
    contradictions,
    oddities: () => [],
    finish: (value) => ({
      role: 'client' as const,
      path,
      name: value.name,
      transport: transportOf(value.client_type) ?? 'box',
      box: value.box_configuration,
      grpc:
        value.grpc_configuration ?? (transportOf(value.client_type) === 'grpc' ? defaultGrpcSection() : null),
      savePath: value.save_path,
      heartbeatFrequencyMs: value.heartbeat_frequency,
      retryTimeoutMs: value.retry_timeout,
      modelOverwrites: value.model_overwrites ?? {},
      configType: canonical(value.config_type),
      executorType: canonical(value.executor_type),
      executorOptions: value.executor_options ?? {},
      settings: {
        trainingRetries: value.training_retries,
        rejoinWaitMs: value.rejoin_wait,
        finalModelWaitMs: value.final_model_wait,
      },
    }),
  });
}

/** Read and judge a client's configuration file. */
export async function loadClientConfiguration(
  path: string,
): Promise<ParsedConfiguration<ClientConfiguration>> {
  return parseClientConfiguration(await readConfigurationDocument(path), path);
}
