import type { ServerUnaryCall, ServiceDefinition, sendUnaryData } from '@grpc/grpc-js';
import { Metadata, status } from '@grpc/grpc-js';
import { errnoOf, InvariantError, MilaError, messageOf, RejectedError } from '../../../errors.ts';
import type { Logger } from '../../../logger.ts';
import type { CallGuard } from './call-guard.ts';
import { peerOf } from './caller.ts';
import type { DeskAnswer, DeskModel } from './desk-answer.ts';
import { encodeFileMessage } from './file-message.ts';
import type { FrontDesk } from './front-desk.ts';
import type { CallControl } from './guarded-call.ts';
import type { Peer } from './seats.ts';
import type { EmptyMessage, MilaHandlers, ModelMessage, TokenMessage } from './wire-definition.ts';
import { MESSAGE_ALLOWANCE_BYTES, SERVICE } from './wire-definition.ts';
import type { RequestNote } from './wire-notes.ts';
import { answerMetadata, requestNoteOf } from './wire-notes.ts';

export interface ServiceOptions extends Pick<CallGuard, 'controlOf'> {
  /** The desk of the present run, as soon as there is one. */
  readonly desk: () => Promise<FrontDesk>;
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

const ONE_MODEL = {
  kind: 'wait',
  text: 'An earlier model is still on its way; one at a time.',
  note: null,
} as const;

interface Served<Request> {
  readonly request: Request;
  readonly peer: Peer;
  readonly note: RequestNote | undefined;
  /** What can be done about the call itself. */
  readonly control: CallControl | undefined;
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
      respond: (value: Value, control: CallControl | undefined) => Promise<Response>,
    ) =>
    (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
      const answerCall = async () => {
        const note = requestNoteOf(call.metadata);
        const control = options.controlOf(call.metadata);
        const answer = await ask(await desk(), { request: call.request, peer: peerOf(call), note, control });
        if (answer.kind === 'ok' || answer.kind === 'wait') control?.known();
        const metadata = metadataOf(answer);
        if (answer.kind === 'ok') callback(null, await respond(answer.value, control), metadata);
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
      async (at, { request, peer, note, control }) => {
        const holder = at.holderOf(request.token, peer);
        // Before the desk counts it as fetched.
        if (holder !== undefined && control?.reserveModel(holder) === false) return ONE_MODEL;
        return at.requestModel(request.token, peer, note);
      },
      (model, control) => encodeModel(options, model, control),
    ),
    SendCheckpoint: serve((at, { request, peer, note }) => at.sendCheckpoint(request, peer, note), nothing),
  };
}

/** A model as it goes out; its slot is given back when the call is over, however it ends. */
async function encodeModel(
  { sendMaxBytes }: ServiceOptions,
  model: DeskModel,
  control: CallControl | undefined,
): Promise<Buffer> {
  const sizeBytes = model.sizeBytes + model.configuration.length + MESSAGE_ALLOWANCE_BYTES;
  if (sizeBytes > sendMaxBytes)
    throw new RejectedError({
      code: 'message-too-large',
      message: `the model has ${model.sizeBytes} bytes, more than one message of the server holds: ${sendMaxBytes} (grpc.max_send_message_length)`,
    });
  // Nobody hears the answer of a call that is over.
  if (!(await control?.startModel())) return Buffer.alloc(0);
  return encodeFileMessage({ first: model.configuration, path: model.checkpointPath });
}
