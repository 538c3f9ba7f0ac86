import type { Metadata, ServerInterceptingCallInterface, ServerInterceptor } from '@grpc/grpc-js';
import { ResponderBuilder, ServerInterceptingCall, ServerListenerBuilder, status } from '@grpc/grpc-js';
import type { Clock, Timer } from '../../../clock.ts';
import { DESK_TEXTS } from './desk-answer.ts';
import { createWindowOpener } from './flow-window.ts';
import { MessageFrames, receiveInPlace } from './message-frames.ts';
import { addressOf } from './peer-address.ts';
import type { Peer } from './seats.ts';
import type { Release, TransferSlots } from './transfer-slots.ts';
import { MESSAGE_ALLOWANCE_BYTES, SERVICE_NAME } from './wire-definition.ts';
import { requestNoteOf } from './wire-notes.ts';

const UPLOAD_PATH = `/${SERVICE_NAME}/SendCheckpoint`;
/** How long a call without a checkpoint may take to arrive: what comes more slowly is no call. Units: milliseconds. */
const SMALL_CALL_TIMEOUT_MS = 15_000;

export interface CallGuardOptions {
  readonly clock: Clock;
  readonly allows: (address: string) => boolean;
  readonly slots: TransferSlots;
  /** How many participants there are where a call comes from. */
  readonly seatsOf: (peer: Peer) => number;
  /** The participant that a token belongs to. */
  readonly holderOf: (token: string, peer: Peer) => string | undefined;
  /** How long an upload may take. Units: milliseconds. */
  readonly transferTimeoutMs: number;
  /** The longest upload. Units: bytes. */
  readonly receiveMaxBytes: number;
  /** Called at the end of every call. */
  readonly onCall: (method: string, code: status) => void;
  /** Called with what a person should know, in one line. */
  readonly onTrouble: (message: string) => void;
}

/** Who is at the other end of a call. */
export function peerOf(call: Pick<ServerInterceptingCallInterface, 'getPeer' | 'getAuthContext'>): Peer {
  const certificate = call.getAuthContext().sslPeerCertificate?.fingerprint256 ?? null;
  return { address: addressOf(call.getPeer()), certificate };
}

interface GuardedCallOptions extends CallGuardOptions {
  /** Let more of an upload be under way at once. */
  readonly openWindow: (call: object) => void;
}

/** One call while it is guarded. */
class GuardedCall {
  readonly #call: ServerInterceptingCallInterface;
  readonly #method: string;
  readonly #options: GuardedCallOptions;
  readonly #uploads: Map<string, number>;
  #release: Release = () => {};
  #timer: Timer | undefined;
  #isOver = false;

  constructor(
    call: ServerInterceptingCallInterface,
    method: string,
    options: GuardedCallOptions,
    uploads: Map<string, number>,
  ) {
    this.#call = call;
    this.#method = method;
    this.#options = options;
    this.#uploads = uploads;
  }

  /** Let the call's bytes in, or end it before any of them is read. */
  async admit(metadata: Metadata, letIn: () => void): Promise<void> {
    const { allows, clock, transferTimeoutMs } = this.#options;
    const peer = peerOf(this.#call);
    if (!allows(peer.address)) {
      this.#end(status.PERMISSION_DENIED, `Access Denied... ${peer.address} is not whitelisted`);
      return;
    }
    const isUpload = this.#method === UPLOAD_PATH;
    if (isUpload && !(await this.#takeSlot(peer, requestNoteOf(metadata)?.token))) return;
    if (isUpload) this.#options.openWindow(this.#call);
    const timeoutMs = isUpload ? transferTimeoutMs : SMALL_CALL_TIMEOUT_MS;
    this.#timer = clock.after(timeoutMs, () =>
      this.#end(status.DEADLINE_EXCEEDED, `the request did not arrive within ${timeoutMs / 1000} s`),
    );
    letIn();
  }

  /** The whole request is here. */
  arrived(): void {
    this.#timer?.cancel();
  }

  ended(code: status): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#release();
    this.#options.onCall(this.#method, code);
  }

  /**
   * Strangers are sent away before they cost memory. Whoever shows its token ahead of the bytes, as our own clients
   * do, has a slot of its own; all others of one place together have no more than there are participants.
   */
  async #takeSlot(peer: Peer, token: string | undefined): Promise<boolean> {
    const holder = token === undefined ? undefined : this.#options.holderOf(token, peer);
    const owner = holder === undefined ? `at ${peer.certificate ?? peer.address}` : `participant ${holder}`;
    const seats = holder === undefined ? this.#options.seatsOf(peer) : 1;
    const running = this.#uploads.get(owner) ?? 0;
    if (seats === 0) this.#end(status.PERMISSION_DENIED, DESK_TEXTS.tokenInvalid);
    else if (running >= seats)
      this.#end(status.RESOURCE_EXHAUSTED, 'An earlier upload is still on its way; one at a time.');
    if (running >= seats) return false;
    this.#uploads.set(owner, running + 1);
    const giveBack = await this.#options.slots.acquire(() => this.#isOver);
    const release = () => {
      giveBack();
      const left = (this.#uploads.get(owner) ?? 1) - 1;
      if (left > 0) this.#uploads.set(owner, left);
      else this.#uploads.delete(owner);
    };
    if (this.#isOver) {
      release();
      return false;
    }
    this.#release = release;
    return true;
  }

  #end(code: status, details: string): void {
    this.#call.sendStatus({ code, details, metadata: null });
    this.ended(code);
  }
}

/** Takes uploads up to the configured limit, and nothing large else. */
function framesOf(
  call: ServerInterceptingCallInterface,
  method: string,
  { receiveMaxBytes, onTrouble }: CallGuardOptions,
): MessageFrames {
  if (method !== UPLOAD_PATH)
    return new MessageFrames(Math.min(receiveMaxBytes, MESSAGE_ALLOWANCE_BYTES), () => {});
  // kMoL's clients cannot tell this from "later", and repeat it for ever: somebody must know.
  return new MessageFrames(receiveMaxBytes, (sizeBytes) =>
    onTrouble(
      `a checkpoint from ${peerOf(call).address} was refused: with ${sizeBytes} bytes it is longer than one message may be, ${receiveMaxBytes} (grpc.max_receive_message_length)`,
    ),
  );
}

/**
 * What is decided about a call before its bytes are read: by address, by who may upload at all, by free memory.
 *
 * Guarantees: at most as many uploads are in memory as there are slots, each once; the others wait in the network.
 * What is no upload is small, or refused with its first bytes.
 */
export function createCallGuard(options: CallGuardOptions): ServerInterceptor {
  const uploads = new Map<string, number>();
  const openWindow = createWindowOpener();
  return (method, call) => {
    receiveInPlace(call, framesOf(call, method.path, options));
    const guarded = new GuardedCall(call, method.path, { ...options, openWindow }, uploads);
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => void guarded.admit(metadata, () => next(metadata)))
      .withOnReceiveHalfClose((next) => {
        guarded.arrived();
        next();
      })
      .withOnCancel(() => guarded.ended(status.CANCELLED))
      .build();
    const responder = new ResponderBuilder()
      .withStart((next) => next(listener))
      .withSendStatus((answer, next) => {
        next(answer);
        guarded.ended(answer.code ?? status.UNKNOWN);
      })
      .build();
    return new ServerInterceptingCall(call, responder);
  };
}
