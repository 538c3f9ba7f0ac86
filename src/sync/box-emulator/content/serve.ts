import type { ContentSlice, Reply } from '../http/reply.ts';

/** Which bytes of stored content a request wants. */
export type RangeAnswer =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' };

/** Read a `range` header of one byte range; anything else asks for the whole. Source: RFC 9110, section 14. */
export function parseRange(header: string | undefined, size: number): RangeAnswer {
  const match = header === undefined ? null : /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header.trim());
  if (match === null) return { kind: 'whole' };
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return { kind: 'whole' };
  if (first === '') {
    const length = Number(last);
    if (length === 0 || size === 0) return { kind: 'unsatisfiable' };
    return { kind: 'part', start: Math.max(0, size - length), end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return { kind: 'whole' };
  return start >= size ? { kind: 'unsatisfiable' } : { kind: 'part', start, end };
}

/** The answer that carries content, or the part of it that was asked for. */
export function contentReply(
  blob: { readonly blobId: string; readonly size: number },
  name: string,
  rangeHeader: string | undefined,
): Reply {
  const range = parseRange(rangeHeader, blob.size);
  const headers = {
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    'content-disposition': `attachment;filename*=UTF-8''${encodeURIComponent(wellFormed(name))}`,
  };
  const slice = (start: number, end: number): ContentSlice => ({ blobId: blob.blobId, start, end });
  switch (range.kind) {
    case 'whole':
      return { status: 200, headers, body: { kind: 'content', slice: slice(0, blob.size - 1) } };
    case 'part':
      return {
        status: 206,
        headers: { ...headers, 'content-range': `bytes ${range.start}-${range.end}/${blob.size}` },
        body: { kind: 'content', slice: slice(range.start, range.end) },
      };
    case 'unsatisfiable':
      return {
        status: 416,
        headers: { 'content-range': `bytes */${blob.size}` },
        body: { kind: 'none' },
      };
  }
}

/** Lone surrogates cannot be written as UTF-8. */
function wellFormed(name: string): string {
  return Buffer.from(name, 'utf8').toString('utf8');
}
