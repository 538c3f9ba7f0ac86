import { z } from 'zod';
import { key } from './key.ts';
import { seconds } from './key-values.ts';

const option = z.tuple([z.string(), z.union([z.string(), z.number()])]);
const file = z.string().nullable().default(null);
const connections = z.number().int().min(1).max(1_000_000).nullable().default(null);

/** `grpc_configuration`, of either side. */
export const GRPC_SECTION = z.object({
  target: key(
    z.string().min(1).default('localhost:8024'),
    'A server listens at this address; a client looks for its server there.',
    { examples: ['0.0.0.0:8024', 'server.example.org:8024'] },
  ),
  options: key(
    z.array(option).default([]),
    'The program passes these pairs of a name and a value on to the gRPC library.',
    { examples: [[['grpc.ssl_target_name_override', 'localhost']]] },
  ),
  use_secure_connection: key(
    z.boolean().default(false),
    'Both sides encrypt the connection and show certificates (TLS).',
  ),
  ssl_private_key: key(file, 'This PEM file holds the private key of this side.', {
    examples: ['certificates/server.key'],
  }),
  ssl_cert: key(file, 'This PEM file holds the certificate of this side.', {
    examples: ['certificates/server.crt'],
  }),
  ssl_root_cert: key(file, 'This PEM file holds the root certificate that signed those of both sides.', {
    examples: ['certificates/root.crt'],
  }),
  transfer_timeout: key(
    seconds(3_600),
    'One model or checkpoint may be under way so long, in either direction.',
    { unit: 'seconds' },
  ),
  transfer_rate_minimum: key(
    z.number().int().min(0).max(1_000_000_000).default(64_000),
    'A server cuts a model or checkpoint that moves more slowly, on average over transfer_rate_window; 0 means no least rate.',
    { unit: 'bytes per second' },
  ),
  transfer_rate_window: key(seconds(60), 'A server takes the average of a transfer over this time.', {
    unit: 'seconds',
  }),
  names: key(
    z.enum(['certificate', 'any']).default('certificate'),
    'A server decides by this what a client may be called: certificate takes the name that its certificate was made for, any gives a name to whoever comes first.',
  ),
  maximum_connections: key(connections, 'A server takes at most so many connections at a time.', {
    unit: 'connections',
    absent: '1024, or 4 x maximum_clients if that is more',
    examples: [200],
  }),
  maximum_connections_per_address: key(
    connections,
    'A server takes at most so many connections at a time from one address.',
    {
      unit: 'connections',
      absent: '256, or 4 x maximum_clients if that is more',
      examples: [20],
    },
  ),
  connection_timeout: key(
    seconds(20),
    'A server closes a connection that has made no call by then, handshakes included.',
    { unit: 'seconds' },
  ),
});

/** The files of a secure connection. */
export const SECURE_FILES = ['ssl_private_key', 'ssl_cert', 'ssl_root_cert'] as const;

/** What only shows when the keys of a gRPC section are seen together; one line per fault. */
export function grpcFaults(section: Partial<GrpcSection> | null): readonly string[] {
  if (section?.use_secure_connection !== true) return [];
  return SECURE_FILES.filter((name) => section[name] === null).map(
    (name) => `grpc_configuration.${name} is missing: use_secure_connection needs it`,
  );
}

/** The gRPC section of a file that leaves it out. */
export function defaultGrpcSection(): GrpcSection {
  return GRPC_SECTION.parse({});
}

export type GrpcSection = z.infer<typeof GRPC_SECTION>;

export const GRPC_KEYS: readonly string[] = Object.keys(GRPC_SECTION.shape);
