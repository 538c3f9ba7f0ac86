import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { connect } from 'node:http2';

/** A call as bare HTTP/2, for what no client library would do. */
export interface RawCall {
  readonly stream: ClientHttp2Stream;
  /** The status, from trailers or from an answer of trailers alone; undefined when the stream was reset. */
  readonly status: Promise<string | undefined>;
}

/** A message behind its head. */
export function frame(message: Uint8Array, flag = 0): Buffer {
  const head = Buffer.from([flag, 0, 0, 0, 0]);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** A message whose field 1 is a text: a `Client` or a `Token`. */
export function textMessage(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x0a, text.length]), Buffer.from(text)]);
}

/** One connection over which calls go out byte by byte. */
export class RawConnection {
  readonly session: ClientHttp2Session;

  constructor(target: string, options: { readonly initialWindowSize?: number } = {}) {
    this.session = connect(`http://${target}`, { settings: options });
    this.session.on('error', () => {});
  }

  call(method: string, headers: Readonly<Record<string, string>> = {}): RawCall {
    const stream = this.session.request({
      ':method': 'POST',
      ':path': `/mila.Mila/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const status = new Promise<string | undefined>((resolve) => {
      const look = (fields: Readonly<Record<string, unknown>>) => {
        if (fields['grpc-status'] !== undefined) resolve(String(fields['grpc-status']));
      };
      stream.on('response', look);
      stream.on('trailers', look);
      stream.on('error', () => {});
      stream.once('close', () => resolve(undefined));
    });
    return { stream, status };
  }

  close(): void {
    this.session.destroy();
  }
}
