import { Readable, Transform, type TransformCallback } from 'node:stream';
import type { FaultAction } from '../control/faults.ts';
import type { WireReply } from './reply-writer.ts';

/** Passes the first bytes on and then ends, or goes silent for good. */
class CutOff extends Transform {
  readonly #at: number;
  readonly #then: 'end' | 'silence';
  #passed = 0;

  constructor(at: number, then: 'end' | 'silence') {
    super();
    this.#at = at;
    this.#then = then;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const room = this.#at - this.#passed;
    this.#passed += chunk.byteLength;
    if (room > 0) this.push(chunk.subarray(0, room));
    // The rest is swallowed; whether the connection then breaks or hangs is decided when the source has ended.
    done();
  }

  override _flush(done: TransformCallback): void {
    if (this.#then === 'end') done(new Error('cut off by a fault'));
  }
}

/** Turns every bit of one byte around. */
class Corruption extends Transform {
  readonly #at: number;
  #passed = 0;

  constructor(at: number) {
    super();
    this.#at = at;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const index = this.#at - this.#passed;
    this.#passed += chunk.byteLength;
    if (index >= 0 && index < chunk.byteLength) {
      const damaged = Buffer.from(chunk);
      damaged[index] = (damaged[index] ?? 0) ^ 0xff;
      done(null, damaged);
    } else done(null, chunk);
  }
}

/** Damage the bytes of an answer as a fault says. */
export function damaged(wire: WireReply, action: FaultAction): WireReply {
  const middle = Math.floor((wire.length ?? 0) / 2);
  const through = (transform: Transform): Readable => {
    const source = wire.body instanceof Readable ? wire.body : Readable.from([wire.body]);
    source.on('error', (error) => transform.destroy(error));
    return source.pipe(transform);
  };
  switch (action.kind) {
    case 'truncate': {
      const at = action.at ?? middle;
      if (!action.chunked) return { ...wire, body: through(new CutOff(at, 'silence')) };
      return { ...wire, length: undefined, body: through(new CutOff(at, 'end')) };
    }
    case 'corrupt':
      return { ...wire, body: through(new Corruption(action.at ?? middle)) };
    case 'stall':
      return { ...wire, body: through(new CutOff(action.at ?? 0, 'silence')) };
    default:
      return wire;
  }
}
