import type { Random } from '../../random.ts';
import { randomName } from '../../random.ts';
import type { OutgoingBody } from './exchange.ts';

interface MultipartUpload {
  readonly attributes: unknown;
  readonly sizeBytes: number;
  /** The content's chunks; opened anew for every attempt. */
  open(): AsyncIterable<Uint8Array>;
}

const BOUNDARY_LENGTH = 32;

/**
 * An upload's form: the attributes first, as Box insists, then the content as a stream.
 *
 * Guarantees: the length is known beforehand, so that nothing is buffered and no proxy sees chunked encoding.
 * Source: RFC 7578; Box, "Direct uploads".
 */
export function multipartBody(upload: MultipartUpload, random: Random): OutgoingBody {
  const boundary = `----mila-sync-${randomName(random, BOUNDARY_LENGTH)}`;
  const head = Buffer.from(
    `--${boundary}\r\ncontent-disposition: form-data; name="attributes"\r\n` +
      `content-type: application/json\r\n\r\n${JSON.stringify(upload.attributes)}\r\n` +
      `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="file"\r\n` +
      'content-type: application/octet-stream\r\n\r\n',
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    kind: 'stream',
    contentType: `multipart/form-data; boundary=${boundary}`,
    sizeBytes: head.byteLength + upload.sizeBytes + tail.byteLength,
    async *open() {
      yield head;
      yield* upload.open();
      yield tail;
    },
  };
}
