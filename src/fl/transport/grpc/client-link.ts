import type { ChannelCredentials, ChannelOptions, ClientUnaryCall, MethodDefinition } from '@grpc/grpc-js';
import { Client, status } from '@grpc/grpc-js';
import type { Clock } from '../../../clock.ts';
import type { ChannelSettings } from './channel-options.ts';
import { plainDetails } from './connection-diagnosis.ts';
import type { EmptyMessage, ModelMessage, TokenMessage } from './wire-definition.ts';
import { SERVICE } from './wire-definition.ts';
import type { AnswerNote, RequestNote } from './wire-notes.ts';
import { answerNoteOf, requestMetadata } from './wire-notes.ts';

/** How long a call without a checkpoint may take: a connection that only looks open must not hold anybody. */
const SMALL_CALL_TIMEOUT_MS = 30_000;

/** The longest text that a server's status is heard for. Units: characters. */
const DETAILS_MAX = 1_000;

/** What came back from a call. */
export interface Reply<Response> {
  readonly code: status;
  readonly details: string;
  /** Undefined unless the code is OK. */
  readonly value: Response | undefined;
  /** Undefined from a server that leaves none: kMoL's. */
  readonly note: AnswerNote | undefined;
}

export interface ClientLinkOptions {
  readonly target: string;
  readonly credentials: ChannelCredentials;
  /** What the credentials need of the channel; the configuration's own options go before. */
  readonly optionsFor?: (target: string) => ChannelOptions;
  readonly channel: ChannelSettings;
  readonly clock: Clock;
  /** How long a call with a model or a checkpoint may take. Units: milliseconds. */
  readonly transferTimeoutMs: number;
}

interface CallOptions {
  readonly note: RequestNote;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** One connection to a server, and its five calls. Guarantees: a call never throws; every outcome is a status. */
export class ClientLink {
  readonly #options: ClientLinkOptions;
  readonly #client: Client;
  #isClosed = false;

  constructor(options: ClientLinkOptions) {
    this.#options = options;
    const { target, credentials, channel, optionsFor } = options;
    this.#client = new Client(target, credentials, { ...optionsFor?.(target), ...channel.options });
  }

  /** The longest checkpoint message that this side sends. Units: bytes. */
  get sendMaxBytes(): number {
    return this.#options.channel.sendMaxBytes;
  }

  authenticate(name: string, note: RequestNote): Promise<Reply<TokenMessage>> {
    return this.#call(SERVICE.Authenticate, { name }, { note, timeoutMs: SMALL_CALL_TIMEOUT_MS });
  }

  heartbeat(token: string): Promise<Reply<EmptyMessage>> {
    return this.#call(SERVICE.Heartbeat, { token }, { note: {}, timeoutMs: SMALL_CALL_TIMEOUT_MS });
  }

  leave(token: string, note: RequestNote, timeoutMs: number): Promise<Reply<EmptyMessage>> {
    return this.#call(SERVICE.Close, { token }, { note, timeoutMs });
  }

  requestModel(token: string, note: RequestNote, signal: AbortSignal): Promise<Reply<ModelMessage | Buffer>> {
    const timeoutMs = this.#options.transferTimeoutMs;
    return this.#call(SERVICE.RequestModel, { token }, { note, timeoutMs, signal });
  }

  /** `message` is an encoded `Checkpoint`. */
  sendCheckpoint(message: Buffer, note: RequestNote, signal: AbortSignal): Promise<Reply<EmptyMessage>> {
    const encoded = { ...SERVICE.SendCheckpoint, requestSerialize: (value: Buffer) => value };
    return this.#call(encoded, message, { note, timeoutMs: this.#options.transferTimeoutMs, signal });
  }

  close(): void {
    this.#isClosed = true;
    this.#client.close();
  }

  #call<Request, Response>(
    method: Pick<MethodDefinition<Request, Response>, 'path' | 'requestSerialize' | 'responseDeserialize'>,
    request: Request,
    { note, timeoutMs, signal }: CallOptions,
  ): Promise<Reply<Response>> {
    if (this.#isClosed || signal?.aborted)
      return Promise.resolve({
        code: status.CANCELLED,
        details: 'given up',
        value: undefined,
        note: undefined,
      });
    return new Promise((resolve) => {
      let value: Response | undefined;
      const call: ClientUnaryCall = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        requestMetadata(note),
        { deadline: this.#options.clock.now() + timeoutMs },
        (_, response) => {
          value = response;
        },
      );
      const cancel = () => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      // The status comes after the response, and it alone brings the trailers.
      call.once('status', ({ code, details, metadata }) => {
        signal?.removeEventListener('abort', cancel);
        const text = code === status.OK ? details : plainDetails(details).slice(0, DETAILS_MAX);
        resolve({ code, details: text, value, note: answerNoteOf(metadata) });
      });
    });
  }
}

/** Codes after which the same call may well succeed. */
const PASSING: ReadonlySet<status> = new Set([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.INTERNAL,
  status.UNKNOWN,
  status.ABORTED,
]);

/** Whether a failed call says nothing about the run, only about the way to the server. */
export function isPassing(reply: Reply<unknown>): boolean {
  return PASSING.has(reply.code);
}

/** Whether a message was longer than one of the two sides takes; both sides use one code for it and for "later". */
export function isTooLarge(reply: Reply<unknown>): boolean {
  return reply.code === status.RESOURCE_EXHAUSTED && /larger than/i.test(reply.details);
}
