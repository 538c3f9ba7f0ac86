import type { Metadata, ServerInterceptingCallInterface, ServerInterceptor } from '@grpc/grpc-js';
import { ResponderBuilder, ServerInterceptingCall, ServerListenerBuilder, status } from '@grpc/grpc-js';
import { streamOf, writeInPieces } from './call-stream.ts';
import { peerOf } from './caller.ts';
import { createWindowOpener } from './flow-window.ts';
import type { CallControl, Cargo, GuardedCallOptions } from './guarded-call.ts';
import { GuardedCall } from './guarded-call.ts';
import type { Decoder } from './message-frames.ts';
import { MessageFrames, receiveInPlace } from './message-frames.ts';
import { createOnceTeller } from './once-teller.ts';
import { UploadFrames } from './upload-frames.ts';
import { MESSAGE_ALLOWANCE_BYTES, SERVICE } from './wire-definition.ts';

export interface CallGuardOptions extends Omit<GuardedCallOptions, 'openWindow' | 'onTooSlow'> {
  /** The longest upload. Units: bytes. */
  readonly receiveMaxBytes: number;
  /** Called with what a person should know, in one line. */
  readonly onTrouble: (message: string) => void;
}

/** Stands before every call, and knows each by its metadata. */
export interface CallGuard {
  readonly interceptor: ServerInterceptor;
  controlOf(metadata: Metadata): CallControl | undefined;
}

function cargoOf(path: string): Cargo {
  if (path === SERVICE.SendCheckpoint.path) return 'upload';
  return path === SERVICE.RequestModel.path ? 'model' : 'none';
}

/** Takes uploads up to the configured limit, and nothing large else. */
function decoderOf(
  call: ServerInterceptingCallInterface,
  cargo: Cargo,
  guarded: GuardedCall,
  { receiveMaxBytes, onTrouble }: CallGuardOptions,
): Decoder {
  const onCompressed = () => guarded.refuseCompressed();
  if (cargo !== 'upload')
    return new MessageFrames(Math.min(receiveMaxBytes, MESSAGE_ALLOWANCE_BYTES), () => {}, onCompressed);
  // kMoL's clients cannot tell this from "later", and repeat it for ever: somebody must know.
  const onTooLong = (sizeBytes: number) =>
    onTrouble(
      `a checkpoint from ${peerOf(call).address} was refused: with ${sizeBytes} bytes it is longer than one message may be, ${receiveMaxBytes} (grpc.max_receive_message_length)`,
    );
  return new UploadFrames({
    frames: new MessageFrames(receiveMaxBytes, onTooLong, onCompressed),
    onBytes: (bytes) => guarded.received(bytes),
    onToken: (token) => void guarded.tokenCame(token),
  });
}

/** Each participant's slowness is told once for each direction: a hostile one would fill the log. */
function slownessTeller(onTrouble: (message: string) => void): GuardedCallOptions['onTooSlow'] {
  const tell = createOnceTeller(onTrouble);
  return (holder, cargo, why) => {
    const what = cargo === 'model' ? 'fetches its model' : 'sends its checkpoint';
    tell(`${holder} ${what} too slowly and was cut: ${why}`, `${cargo} ${holder}`);
  };
}

/**
 * What is decided about a call before its bytes are read: by who may upload at all, by size, by free memory.
 *
 * Guarantees: at most as many uploads are in memory as there are slots, each once, and of each participant one; the
 * others wait in the network. What is no upload is small, or refused with its first bytes; nothing is inflated.
 */
export function createCallGuard(options: CallGuardOptions): CallGuard {
  const openWindow = createWindowOpener();
  const onTooSlow = slownessTeller(options.onTrouble);
  const controls = new WeakMap<Metadata, CallControl>();
  const interceptor: ServerInterceptor = (method, call) => {
    const cargo = cargoOf(method.path);
    const guarded = new GuardedCall(call, method.path, cargo, { ...options, openWindow, onTooSlow });
    receiveInPlace(call, decoderOf(call, cargo, guarded, options));
    if (cargo === 'model') writeInPieces(streamOf(call), (bytes) => guarded.sent(bytes));
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        controls.set(metadata, guarded);
        void guarded.admit(metadata, () => next(metadata));
      })
      .withOnReceiveHalfClose((next) => {
        guarded.arrived();
        next();
      })
      .withOnCancel(() => guarded.ended(status.CANCELLED))
      .build();
    const responder = new ResponderBuilder()
      .withStart((next) => next(listener))
      .withSendMetadata((metadata, next) => {
        metadata.set('grpc-accept-encoding', 'identity');
        next(metadata);
      })
      .withSendMessage((message, next) => {
        // A stream of answers, such as a watch of the health service, is over when its reader is.
        if (!method.responseStream) guarded.answering();
        next(message);
      })
      .withSendStatus((answer, next) => {
        next(answer);
        guarded.ended(answer.code ?? status.UNKNOWN);
      })
      .build();
    return new ServerInterceptingCall(call, responder);
  };
  return { interceptor, controlOf: (metadata) => controls.get(metadata) };
}
