import type { ServerUnaryCall, ServiceDefinition, sendUnaryData } from '@grpc/grpc-js';
import { Metadata, status } from '@grpc/grpc-js';
import { errnoOf, InvariantError, MilaError, messageOf, RejectedError } from '../../../errors.ts';
import type { Logger } from '../../../logger.ts';
import { peerOf } from './call-guard.ts';
import type { DeskAnswer, DeskModel } from './desk-answer.ts';
import { encodeFileMessage } from './file-message.ts';
import type { FrontDesk } from './front-desk.ts';
import type { Peer } from './seats.ts';
import type { TransferSlots } from './transfer-slots.ts';
import type { EmptyMessage, MilaHandlers, ModelMessage, TokenMessage } from './wire-definition.ts';
import { MESSAGE_ALLOWANCE_BYTES, SERVICE } from './wire-definition.ts';
import type { RequestNote } from './wire-notes.ts';
import { answerMetadata, requestNoteOf } from './wire-notes.ts';

export interface ServiceOptions {
  /** The desk of the present run, as soon as there is one. */
  readonly desk: () => Promise<FrontDesk>;
  readonly slots: TransferSlots;
  readonly sendMaxBytes: number;
  readonly logger: Logger;
  /** Called with what a person should know, in one line. */
  readonly onTrouble: (message: string) => void;
  /** Called with what is a bug. */
  readonly onFault: (error: unknown) => void;
}

const CODES = {
  wait: status.RESOURCE_EXHAUSTED,
  denied: status.PERMISSION_DENIED,
  unfit: status.FAILED_PRECONDITION,
  away: status.UNAVAILABLE,
} as const;

/** The service's definition with models encoded by ourselves: their bytes come straight from the file. */
export const SERVER_SIDE_SERVICE: ServiceDefinition = {
  ...SERVICE,
  RequestModel: {
    ...SERVICE.RequestModel,
    responseSerialize: (message: ModelMessage | Buffer) =>
      Buffer.isBuffer(message) ? message : SERVICE.RequestModel.responseSerialize(message),
  },
};

interface Served<Request> {
  readonly request: Request;
  readonly peer: Peer;
  readonly note: RequestNote | undefined;
}

function metadataOf(answer: DeskAnswer<unknown>): Metadata {
  return 'note' in answer && answer.note !== null ? answerMetadata(answer.note) : new Metadata();
}

/** Turns calls into questions to the front desk, and its answers into statuses that kMoL's programs understand. */
export function createMilaHandlers(options: ServiceOptions): MilaHandlers {
  const { desk, logger, onTrouble, onFault } = options;

  const fail = (callback: sendUnaryData<never>, error: unknown): void => {
    const isExpected = (error instanceof MilaError && !(error instanceof InvariantError)) || errnoOf(error);
    if (!isExpected) onFault(error);
    logger.error({ error: messageOf(error) }, 'A call could not be answered.');
    if (error instanceof RejectedError) {
      onTrouble(error.message);
      callback({ code: status.FAILED_PRECONDITION, details: error.message });
      return;
    }
    // A full disk passes, and says nothing to strangers about this machine.
    callback({ code: status.UNAVAILABLE, details: 'the server cannot do this just now' });
  };

  const serve =
    <Request, Value, Response>(
      ask: (desk: FrontDesk, served: Served<Request>) => Promise<DeskAnswer<Value>>,
      respond: (value: Value, call: ServerUnaryCall<Request, Response>) => Promise<Response>,
    ) =>
    (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
      const answerCall = async () => {
        const note = requestNoteOf(call.metadata);
        const answer = await ask(await desk(), { request: call.request, peer: peerOf(call), note });
        const metadata = metadataOf(answer);
        if (answer.kind === 'ok') callback(null, await respond(answer.value, call), metadata);
        else callback({ code: CODES[answer.kind], details: answer.text, metadata });
      };
      answerCall().catch((error) => fail(callback as sendUnaryData<never>, error));
    };

  const nothing = async (): Promise<EmptyMessage> => ({});
  return {
    Authenticate: serve(
      (at, { request, peer, note }) => at.authenticate(request.name, peer, note),
      async (token): Promise<TokenMessage> => ({ token }),
    ),
    Heartbeat: serve((at, { request, peer }) => at.heartbeat(request.token, peer), nothing),
    Close: serve((at, { request, peer, note }) => at.close(request.token, peer, note), nothing),
    RequestModel: serve(
      (at, { request, peer, note }) => at.requestModel(request.token, peer, note),
      (model, call) => encodeModel(options, model, call),
    ),
    SendCheckpoint: serve((at, { request, peer, note }) => at.sendCheckpoint(request, peer, note), nothing),
  };
}

/** A model as it goes out; its slot is given back when the call is over, however it ends. */
async function encodeModel(
  { slots, sendMaxBytes }: ServiceOptions,
  model: DeskModel,
  call: ServerUnaryCall<TokenMessage, ModelMessage | Buffer>,
): Promise<Buffer> {
  const sizeBytes = model.sizeBytes + model.configuration.length + MESSAGE_ALLOWANCE_BYTES;
  if (sizeBytes > sendMaxBytes)
    throw new RejectedError({
      code: 'message-too-large',
      message: `the model has ${model.sizeBytes} bytes, more than one message of the server holds: ${sendMaxBytes} (grpc.max_send_message_length)`,
    });
  const release = await slots.acquire(() => call.cancelled);
  // grpc-js says 'cancelled' at the end of every call, also of one that went well.
  if (call.cancelled) release();
  else call.once('cancelled', release);
  return encodeFileMessage({ first: model.configuration, path: model.checkpointPath });
}
