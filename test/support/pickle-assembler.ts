/** One piece of a pickle stream: opcodes as text in Latin-1, single bytes, or bytes. */
export type Piece = string | number | Uint8Array;

/** Join pieces into a stream. */
export function assemble(...pieces: readonly Piece[]): Buffer {
  return Buffer.concat(
    pieces.map((piece) => {
      if (typeof piece === 'string') return Buffer.from(piece, 'latin1');
      return typeof piece === 'number' ? Buffer.from([piece]) : Buffer.from(piece);
    }),
  );
}

/** The same pieces several times. */
export function repeat(times: number, ...pieces: readonly Piece[]): Buffer {
  const once = assemble(...pieces);
  return Buffer.alloc(once.length * times, once);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** BINUNICODE. */
export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return assemble('X', uint32(bytes.length), bytes);
}

/** LONG1: an integer. */
export function integer(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return assemble(0x8a, 8, bytes);
}

/** GLOBAL. */
export function named(module: string, name: string): Buffer {
  return assemble(`c${module}\n${name}\n`);
}

/** LONG_BINPUT and LONG_BINGET. */
export const put = (slot: number) => assemble('r', uint32(slot));
export const get = (slot: number) => assemble('j', uint32(slot));

export const tupleOf = (...pieces: readonly Piece[]) => assemble('(', ...pieces, 't');

/** An empty OrderedDict. */
export const ORDERED_DICT = assemble(named('collections', 'OrderedDict'), ')R');

interface TensorPieces {
  readonly key?: string;
  readonly storage?: string;
  readonly numel?: number;
  readonly size?: readonly number[];
  readonly stride?: readonly number[];
}

/** A reference to a storage. */
export function storageOf({ key = '0', storage = 'FloatStorage', numel = 4 }: TensorPieces = {}): Buffer {
  return assemble(
    tupleOf(text('storage'), named('torch', storage), text(key), text('cpu'), integer(numel)),
    'Q',
  );
}

/** The arguments of `_rebuild_tensor_v2`, as a tuple. */
export function tensorArguments(pieces: TensorPieces = {}): Buffer {
  const { size = [2, 2], stride = [2, 1] } = pieces;
  return tupleOf(
    storageOf(pieces),
    integer(0),
    tupleOf(...size.map(integer)),
    tupleOf(...stride.map(integer)),
    0x89,
    ORDERED_DICT,
  );
}

export const REBUILD = named('torch._utils', '_rebuild_tensor_v2');

/** A tensor of four floats, or another one. */
export function tensor(pieces: TensorPieces = {}): Buffer {
  return assemble(REBUILD, tensorArguments(pieces), 'R');
}

/** A model with one tensor, `w`. */
export const MODEL = assemble(ORDERED_DICT, '(', text('w'), tensor(), 'u');

/** `{"model": model, ...beside}` as a whole stream. */
export function rootOf(model: Uint8Array, ...beside: readonly Piece[]): Buffer {
  return assemble(0x80, 2, '}(', text('model'), model, ...beside, 'u.');
}

/** The same stream with storages as the format before PyTorch 1.6 refers to them: with a view, which is None. */
export function asLegacy(stream: Uint8Array): Buffer {
  const [end, legacyEnd] = [assemble(integer(4), 'tQ'), assemble(integer(4), 'NtQ')];
  const written = Buffer.from(stream).toString('latin1');
  return Buffer.from(written.replaceAll(end.toString('latin1'), legacyEnd.toString('latin1')), 'latin1');
}
