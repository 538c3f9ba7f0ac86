import type { handleUnaryCall, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { fromJSON } from '@grpc/proto-loader';
import { invariant } from '../../../invariant.ts';

/** The name under which health checks and reflection know the service. */
export const SERVICE_NAME = 'mila.Mila';

const field = (type: string, id: number) => ({ type, id });
const unary = (requestType: string, responseType: string) => ({ requestType, responseType, comment: '' });
const EMPTY = 'google.protobuf.Empty';

/** The package as protobuf's own JSON form; `docs/mila.proto` is the same for people and other languages. */
const PACKAGE = {
  nested: {
    google: { nested: { protobuf: { nested: { Empty: { fields: {} } } } } },
    mila: {
      nested: {
        Client: { fields: { name: field('string', 1) } },
        Token: { fields: { token: field('string', 1) } },
        Model: { fields: { json_configuration: field('bytes', 1), latest_checkpoint: field('bytes', 2) } },
        Checkpoint: { fields: { token: field('string', 1), content: field('bytes', 2) } },
        Mila: {
          methods: {
            Authenticate: unary('Client', 'Token'),
            Heartbeat: unary('Token', EMPTY),
            Close: unary('Token', EMPTY),
            RequestModel: unary('Token', 'Model'),
            SendCheckpoint: unary('Checkpoint', EMPTY),
          },
        },
      },
    },
  },
};

export interface ClientMessage {
  readonly name: string;
}

export interface TokenMessage {
  readonly token: string;
}

export interface ModelMessage {
  /** The task configuration's bytes. */
  readonly json_configuration: Buffer;
  /** The aggregate's bytes; empty in a first round without a start model. */
  readonly latest_checkpoint: Buffer;
}

export interface CheckpointMessage {
  readonly token: string;
  readonly content: Buffer;
}

export type EmptyMessage = Readonly<Record<string, never>>;

/** The service's calls, as grpc-js wants a server's side of them. */
export interface MilaHandlers extends UntypedServiceImplementation {
  readonly Authenticate: handleUnaryCall<ClientMessage, TokenMessage>;
  readonly Heartbeat: handleUnaryCall<TokenMessage, EmptyMessage>;
  readonly Close: handleUnaryCall<TokenMessage, EmptyMessage>;
  /** A server may answer with a model that is encoded already. */
  readonly RequestModel: handleUnaryCall<TokenMessage, ModelMessage | Buffer>;
  readonly SendCheckpoint: handleUnaryCall<CheckpointMessage, EmptyMessage>;
}

export type MilaMethod = 'Authenticate' | 'Heartbeat' | 'Close' | 'RequestModel' | 'SendCheckpoint';

/** Everything of the package, for reflection. */
export const PACKAGE_DEFINITION: PackageDefinition = fromJSON(PACKAGE, { keepCase: true, defaults: true });

function serviceDefinition(): ServiceDefinition {
  const service = PACKAGE_DEFINITION[SERVICE_NAME];
  invariant(service !== undefined && !('format' in service), `${SERVICE_NAME} is a service`);
  return service as ServiceDefinition;
}

/**
 * The service `mila.Mila`: names, paths and codecs of its calls.
 *
 * Source: kMoL, src/mila/protocol_buffers; proto3, all calls unary.
 */
export const SERVICE = serviceDefinition() as ServiceDefinition<MilaHandlers>;

/** Bytes that a message needs beside its one large field: tags, lengths, a token, the task configuration. */
export const MESSAGE_ALLOWANCE_BYTES = 65_536;
