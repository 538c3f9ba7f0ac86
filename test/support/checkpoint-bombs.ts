import { checkpointFile } from './archive-maker.ts';
import {
  assemble,
  get,
  integer,
  MODEL,
  named,
  ORDERED_DICT,
  type Piece,
  put,
  REBUILD,
  repeat,
  rootOf,
  storageOf,
  tensor,
  text,
  tupleOf,
} from './pickle-assembler.ts';

/** A checkpoint that is small, and means much work. */
export interface Bomb {
  readonly name: string;
  readonly make: () => Buffer;
}

const beside = (...pieces: readonly Piece[]) => rootOf(MODEL, text('x'), '(', ...pieces, 't');
const packed = (pickle: Uint8Array) => checkpointFile(pickle, { deflated: true });
const ones = (count: number) => tupleOf(repeat(count, 'K', 1));
const zeros = (key: string, bytes: number) => ({
  name: `data/${key}`,
  bytes: Buffer.alloc(bytes),
  deflated: true,
});
const MEGABYTE = 1024 * 1024;

function metadata(modules: number, facts: number): Buffer {
  const shared = assemble(
    '}(',
    ...Array.from({ length: facts }, (_, index) => assemble(text(`f${index}`), 'N')),
    'u',
    put(1),
  );
  const entries = Array.from({ length: modules }, (_, index) => assemble(text(`m${index}`), get(1)));
  return rootOf(assemble(MODEL, '}(', text('_metadata'), '}(', text('first'), shared, ...entries, 'u', 'ub'));
}

/** `count` tensors of one deflated storage each. */
function inflating(count: number, bytes: number): Buffer {
  const keys = Array.from({ length: count }, (_, index) => String(index));
  const items = keys.map((key) =>
    assemble(text(`w${key}`), tensor({ key, numel: bytes / 4, size: [4], stride: [1] })),
  );
  return checkpointFile(rootOf(assemble(ORDERED_DICT, '(', ...items, 'u')), {
    storages: keys.map((key) => zeros(key, bytes)),
  });
}

/** Tensors that take turns in two storages: by key, or by type. */
function alternating(turns: number, other: { readonly key?: string; readonly storage?: string }): Buffer {
  const place = { numel: 4 * MEGABYTE, size: [4], stride: [1] };
  const slots = assemble(storageOf(place), put(1), '0', storageOf({ ...place, ...other }), put(2), '0');
  const items = Array.from({ length: turns }, (_, index) =>
    assemble(
      text(`w${index}`),
      REBUILD,
      tupleOf(get(1 + (index % 2)), integer(0), tupleOf(integer(4)), tupleOf(integer(1)), 0x89, ORDERED_DICT),
      'R',
    ),
  );
  const pickle = assemble(0x80, 2, slots, '}', text('model'), ORDERED_DICT, '(', ...items, 'u', 's.');
  return checkpointFile(pickle, {
    storages: [zeros('0', 16 * MEGABYTE), zeros('1', 16 * MEGABYTE)],
  });
}

/** A list of lists, each twice in the next: short to write, without end to write out. */
function doubled(depth: number): Buffer {
  return assemble(
    ']',
    put(0),
    ...Array.from({ length: depth }, () => assemble('0](', get(0), get(0), 'e', put(0))),
  );
}

const longText = (length: number) => text('a'.repeat(length));

/** Every kind of bomb that is known, packed and as it is. */
export const BOMBS: readonly Bomb[] = [
  {
    name: 'stackglobal: one long text, joined to itself again and again',
    make: () => packed(beside(longText(16 * MEGABYTE), put(300), repeat(400, get(300), get(300), 0x93))),
  },
  {
    name: 'stackglobal, of names that are short enough',
    make: () => packed(beside(longText(1000), put(300), repeat(400_000, get(300), get(300), 0x93))),
  },
  {
    name: 'codecs: a new buffer at each recall',
    make: () =>
      packed(
        beside(
          named('_codecs', 'encode'),
          put(300),
          longText(32 * MEGABYTE),
          text('latin1'),
          0x86,
          put(301),
          repeat(400, get(300), get(301), 'R'),
        ),
      ),
  },
  {
    name: 'codecs, of a text that is short enough',
    make: () =>
      checkpointFile(
        beside(
          named('_codecs', 'encode'),
          put(300),
          longText(50_000),
          text('latin1'),
          0x86,
          put(301),
          repeat(5_000, get(300), get(301), 'R'),
        ),
      ),
  },
  {
    name: 'metadata: every module with the facts of all',
    make: () => checkpointFile(metadata(3_000, 3_000)),
  },
  {
    name: 'metadata, fewer and longer',
    make: () => checkpointFile(metadata(1_000, 1_000)),
  },
  {
    name: 'deeplist: long paths to many values',
    make: () =>
      packed(
        rootOf(assemble('}', text('q'), repeat(60, ']'), repeat(3_700_000, 'Na'), repeat(59, 'a'), 's')),
      ),
  },
  {
    name: 'deeplist, of as many values as the budget allows to make',
    make: () =>
      packed(rootOf(assemble('}', text('q'), repeat(60, ']'), repeat(900_000, 'Na'), repeat(59, 'a'), 's'))),
  },
  {
    name: 'rebuild64: sizes and strides of 64 dimensions, recalled',
    make: () =>
      packed(
        rootOf(
          MODEL,
          text('x'),
          '(',
          REBUILD,
          put(1),
          tupleOf(storageOf(), integer(0), ones(64), ones(64), 0x89, ORDERED_DICT),
          put(2),
          repeat(900_000, get(1), get(2), 'R'),
          't',
        ),
      ),
  },
  { name: 'inflate: many storages that are worth nothing packed', make: () => inflating(30, 16 * MEGABYTE) },
  {
    name: 'reinflate: one storage claimed with two types in turn',
    make: () => alternating(3_000, { storage: 'IntStorage' }),
  },
  { name: 'reinflate: two storages in turn', make: () => alternating(3_000, { key: '1' }) },
  { name: 'bytesobj: millions of empty byte strings', make: () => packed(beside(repeat(7_000_000, 'C', 0))) },
  { name: 'bytesobj, fewer', make: () => packed(beside(repeat(400_000, 'C', 0))) },
  {
    name: 'dicts: a dict with an entry, again and again',
    make: () => packed(beside(repeat(400_000, '}NNs'))),
  },
  { name: 'lists of one item', make: () => packed(beside(repeat(600_000, ']Na'))) },
  {
    name: 'tuples of a long tuple',
    make: () => packed(beside(ones(100_000), put(1), repeat(400_000, get(1), 0x85))),
  },
  { name: 'floats', make: () => packed(beside(repeat(690_000, 'G', Buffer.alloc(8)))) },
  {
    name: 'attributes of attributes, whose names grow',
    make: () =>
      checkpointFile(
        beside(
          named('a', 'b'),
          put(1),
          repeat(20_000, named('builtins', 'getattr'), get(1), longText(250), 0x86, 'R', put(1)),
        ),
      ),
  },
];

/** As the bombs, but each of these can be read: small files that are much, within bounds. */
export const HEAVY: readonly Bomb[] = [
  {
    name: 'complex numbers of long byte strings',
    make: () =>
      packed(
        beside(
          named('builtins', 'complex'),
          put(1),
          'B',
          Buffer.from([0, 0, 0x40, 0]),
          Buffer.alloc(4 * MEGABYTE, '1'),
          put(2),
          0x85,
          put(3),
          repeat(10_000, get(1), get(3), 'R'),
        ),
      ),
  },
  {
    name: 'attributes named by long byte strings',
    make: () =>
      packed(
        beside(
          named('builtins', 'getattr'),
          put(1),
          named('a', 'b'),
          'B',
          Buffer.from([0, 0, 0x40, 0]),
          Buffer.alloc(4 * MEGABYTE, '1'),
          0x86,
          put(3),
          repeat(10_000, get(1), get(3), 'R'),
        ),
      ),
  },
  {
    name: 'keys that are long byte strings',
    make: () =>
      packed(
        beside(
          'B',
          Buffer.from([0, 0, 0x40, 0]),
          Buffer.alloc(4 * MEGABYTE, '1'),
          put(1),
          repeat(10_000, '}', get(1), 'Ns'),
        ),
      ),
  },
  { name: 'lists that double', make: () => checkpointFile(beside(doubled(60))) },
];

/** Refused, and slow to quote in the reason. */
export const UNSPEAKABLE: readonly Bomb[] = [
  {
    name: 'a persistent id that doubles',
    make: () => checkpointFile(beside('(', doubled(60), named('torch', 'FloatStorage'), text('0'), 'tQ')),
  },
  {
    name: 'a nested model with long names',
    make: () =>
      packed(
        assemble(
          0x80,
          2,
          longText(2 * MEGABYTE),
          put(9),
          '0}',
          text('model'),
          repeat(60, '}', get(9)),
          'N',
          repeat(60, 's'),
          's.',
        ),
      ),
  },
  {
    name: 'a tensor with a long name',
    make: () => packed(rootOf(assemble('}(', longText(MEGABYTE), tensor(), 'u'))),
  },
  {
    name: 'a legacy list of storages that are long byte strings',
    make: () => {
      const empty = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex');
      const system = assemble(0x80, 2, '}(', text('little_endian'), 0x88, 'u.');
      const long = assemble('B', Buffer.from([0, 0, 0x10, 0]), Buffer.alloc(MEGABYTE, '1'), put(1));
      return assemble(
        empty,
        assemble(0x80, 2, 'M', 0xe9, 0x03, '.'),
        system,
        assemble(0x80, 2, '}.'),
        assemble(0x80, 2, '](', long, repeat(1_000, get(1)), 'e.'),
      );
    },
  },
];
