import type { ServerHttp2Stream } from 'node:http2';
import type { Metadata, ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { Clock, Timer } from '../../../clock.ts';
import { encodingOf, resetStream, streamOf } from './call-stream.ts';
import { peerOf } from './caller.ts';
import { DESK_TEXTS } from './desk-answer.ts';
import { COMPRESSED_TEXT } from './message-frames.ts';
import type { Peer } from './seats.ts';
import type { Transfer, Transfers } from './transfers.ts';
import { requestNoteOf } from './wire-notes.ts';

/** How long a call without a checkpoint may take to arrive: what comes more slowly is no call. Units: milliseconds. */
const SMALL_CALL_TIMEOUT_MS = 15_000;
/** How long a peer may take to accept an answer without a model. Units: milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;

const ONE_UPLOAD = 'An earlier upload is still on its way; one at a time.';

/** What a call tells about its connection: it begins, it is over, its peer takes part. */
export type ConnectionUse = 'begun' | 'over' | 'known';

/** Which large message a call carries. */
export type Cargo = 'upload' | 'model' | 'none';

export interface GuardedCallOptions {
  readonly clock: Clock;
  readonly uploads: Transfers;
  readonly models: Transfers;
  /** How many participants there are where a call comes from. */
  readonly seatsOf: (peer: Peer) => number;
  /** The participant that a token belongs to. */
  readonly holderOf: (token: string, peer: Peer) => string | undefined;
  /** Called at the end of every call. */
  readonly onCall: (method: string, code: status) => void;
  /** Called with what a call tells about its connection: that it is used, or that its peer is somebody. */
  readonly onConnectionUse: (call: ServerInterceptingCallInterface, use: ConnectionUse) => void;
  /** Called when a participant was too slow to keep its slot. */
  readonly onTooSlow: (holder: string, cargo: Cargo, why: string) => void;
  /** Let more of an upload be under way at once. */
  readonly openWindow: (call: object) => void;
}

/** What whoever answers a call can do about it. */
export interface CallControl {
  /** Its peer takes part. */
  known(): void;
  /** Take this participant's one turn for a model. False while an earlier one is on its way. */
  reserveModel(holder: string): boolean;
  /** Wait for a slot for it. False when the call is over. */
  startModel(): Promise<boolean>;
}

/** One call while it is guarded. */
export class GuardedCall implements CallControl {
  readonly #call: ServerInterceptingCallInterface;
  readonly #stream: ServerHttp2Stream;
  readonly #method: string;
  readonly #cargo: Cargo;
  readonly #options: GuardedCallOptions;
  #transfer: Transfer | undefined;
  #holder = '';
  #timer: Timer | undefined;
  #isOver = false;

  constructor(
    call: ServerInterceptingCallInterface,
    method: string,
    cargo: Cargo,
    options: GuardedCallOptions,
  ) {
    this.#call = call;
    this.#stream = streamOf(call);
    this.#method = method;
    this.#cargo = cargo;
    this.#options = options;
    this.#stream.once('close', () => this.#closed());
    options.onConnectionUse(call, 'begun');
  }

  /** Let the call's bytes in, or end it before any of them is read. */
  async admit(metadata: Metadata, letIn: () => void): Promise<void> {
    if (encodingOf(this.#call) !== 'identity') {
      this.refuseCompressed();
      return;
    }
    if (this.#cargo === 'upload') {
      const peer = peerOf(this.#call);
      if (this.#options.seatsOf(peer) === 0) {
        this.#end(status.PERMISSION_DENIED, DESK_TEXTS.tokenInvalid);
        return;
      }
      const token = requestNoteOf(metadata)?.token;
      // Others' clients do not show it ahead: it stands at the beginning of what they send.
      if (token !== undefined && !(await this.#startUpload(token))) return;
    }
    if (this.#transfer === undefined)
      this.#limit(SMALL_CALL_TIMEOUT_MS, () => {
        const text = `the request did not arrive within ${SMALL_CALL_TIMEOUT_MS / 1_000} s`;
        this.#end(status.DEADLINE_EXCEEDED, text);
      });
    letIn();
  }

  /** The token at the beginning of an upload is here, and nothing more of it is read before its turn comes. */
  async tokenCame(token: string | undefined): Promise<void> {
    if (this.#transfer !== undefined) return;
    this.#stream.pause();
    if (!(await this.#startUpload(token))) return;
    this.#stream.resume();
  }

  /** So many bytes of the request came. */
  received(bytes: number): void {
    this.#transfer?.moved(bytes);
  }

  refuseCompressed(): void {
    this.#end(status.UNIMPLEMENTED, COMPRESSED_TEXT);
  }

  /** The whole request is here. */
  arrived(): void {
    this.#timer?.cancel();
    this.#transfer?.arrived();
  }

  /** The answer begins to go out. */
  answering(): void {
    if (this.#cargo === 'model') {
      this.#transfer?.watchPace();
      return;
    }
    // What was sent is on the disk: an answer that nobody takes must not keep the others waiting.
    this.#transfer?.end();
    this.#limit(ANSWER_TIMEOUT_MS, () => resetStream(this.#stream));
  }

  /** So many bytes of the answer were taken. */
  sent(bytes: number): void {
    this.#transfer?.moved(bytes);
  }

  known(): void {
    this.#options.onConnectionUse(this.#call, 'known');
  }

  reserveModel(holder: string): boolean {
    this.#holder = holder;
    this.#transfer = this.#options.models.reserve(holder);
    if (this.#isOver) this.#transfer?.end();
    return this.#transfer !== undefined;
  }

  async startModel(): Promise<boolean> {
    return (await this.#transfer?.start({ isGone: () => this.#isOver, onTooSlow: this.#tooSlow })) === true;
  }

  /** The call has its status, or is gone. */
  ended(code: status): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#transfer?.end();
    this.#options.onCall(this.#method, code);
    if (!this.#stream.closed) this.#limit(ANSWER_TIMEOUT_MS, () => resetStream(this.#stream));
  }

  #closed(): void {
    this.ended(status.CANCELLED);
    this.#timer?.cancel();
    this.#options.onConnectionUse(this.#call, 'over');
  }

  /** Strangers are sent away before they cost memory or anybody's turn. */
  async #startUpload(token: string | undefined): Promise<boolean> {
    const holder = token === undefined ? undefined : this.#options.holderOf(token, peerOf(this.#call));
    if (holder === undefined) {
      this.#end(status.PERMISSION_DENIED, DESK_TEXTS.tokenInvalid);
      return false;
    }
    this.#holder = holder;
    this.#transfer = this.#options.uploads.reserve(holder);
    if (this.#transfer === undefined) {
      this.#end(status.RESOURCE_EXHAUSTED, ONE_UPLOAD);
      return false;
    }
    this.#timer?.cancel();
    const ends = { isGone: () => this.#isOver, onTooSlow: this.#tooSlow };
    if (!(await this.#transfer.start(ends))) return false;
    this.#transfer.watchPace();
    this.#options.openWindow(this.#call);
    return true;
  }

  readonly #tooSlow = (why: string): void => {
    this.#options.onTooSlow(this.#holder, this.#cargo, why);
    this.#end(status.DEADLINE_EXCEEDED, `too slow: ${why}`);
    // A status behind bytes that nobody reads would never arrive.
    if (this.#cargo === 'model') resetStream(this.#stream);
  };

  #limit(ms: number, callback: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(ms, callback);
  }

  #end(code: status, details: string): void {
    this.#call.sendStatus({ code, details, metadata: null });
    this.ended(code);
  }
}
