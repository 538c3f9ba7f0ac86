import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Blobs } from '../store/blobs.ts';
import { stringifyJson } from './raw-number.ts';
import type { Refusal } from './refusal.ts';
import { json, type Reply } from './reply.ts';

const gzipAsync = promisify(gzip);
/** Below this size compression costs more than it saves. */
const GZIP_MIN_BYTES = 1024;

/** An answer ready to be sent. */
export interface WireReply {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Text goes out together with the headers, in one write. */
  readonly body: string | Buffer | Readable;
  /** Undefined when the body is not announced with its length. */
  readonly length: number | undefined;
}

/** Turn a refusal into Box's error body. */
export function refusalReply(refusal: Refusal, requestId: string): Reply {
  const { status, headers, body } = refusal;
  if (body === null) return { status, headers, body: { kind: 'none' } };
  if ('oauth' in body) return json(body.oauth, status, headers);
  const error = {
    type: 'error',
    status,
    code: body.code,
    ...(body.contextInfo === undefined ? {} : { context_info: body.contextInfo }),
    help_url: 'http://developers.box.com/docs/#errors',
    message: body.message,
    request_id: requestId,
  };
  return json(error, status, headers);
}

/** Put a reply's body into bytes. */
export async function toWire(reply: Reply, blobs: Blobs, request: IncomingMessage): Promise<WireReply> {
  const headers: Record<string, string> = { ...reply.headers };
  switch (reply.body.kind) {
    case 'none':
      return { status: reply.status, headers, body: Buffer.alloc(0), length: 0 };
    case 'content': {
      const { blobId, start, end } = reply.body.slice;
      return {
        status: reply.status,
        headers,
        body: blobs.read(blobId, start, end),
        length: Math.max(0, end - start + 1),
      };
    }
    case 'json':
      return textToWire(reply, stringifyJson(reply.body.value), 'application/json', request);
    case 'text':
      return textToWire(reply, reply.body.text, reply.body.type, request);
  }
}

async function textToWire(
  reply: Reply,
  body: string,
  type: string,
  request: IncomingMessage,
): Promise<WireReply> {
  const { status } = reply;
  const headers: Record<string, string> = { ...reply.headers, 'content-type': type };
  const length = Buffer.byteLength(body);
  if (length < GZIP_MIN_BYTES || !acceptsGzip(request)) return { status, headers, body, length };
  const packed = await gzipAsync(body, { level: 1 });
  headers['content-encoding'] = 'gzip';
  return { status, headers, body: packed, length: packed.byteLength };
}

function acceptsGzip(request: IncomingMessage): boolean {
  return /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
}

/** Send it all. Resolves when the last byte was handed over or the client went away. */
export async function send(response: ServerResponse, wire: WireReply, pace?: Transform): Promise<void> {
  if (response.destroyed) {
    if (wire.body instanceof Readable) wire.body.destroy();
    return;
  }
  response.statusCode = wire.status;
  for (const [name, value] of Object.entries(wire.headers)) response.setHeader(name, value);
  // A 204 and a 304 never announce a length.
  if (wire.length !== undefined && wire.status !== 204 && wire.status !== 304)
    response.setHeader('content-length', wire.length);
  if (!(wire.body instanceof Readable) && pace === undefined) {
    response.end(wire.body);
    return;
  }
  const source = wire.body instanceof Readable ? wire.body : Readable.from([wire.body]);
  try {
    if (pace === undefined) await pipeline(source, response);
    else await pipeline(source, pace, response);
  } catch {
    // The client went away, or the content could not be read: either way the connection is over.
    response.destroy();
  }
}
