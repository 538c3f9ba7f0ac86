import {
  assemble,
  get,
  integer,
  MODEL,
  named,
  ORDERED_DICT,
  type Piece,
  put,
  rootOf,
  tensor,
  tensorArguments,
  text,
} from './pickle-assembler.ts';

/** Gives a whole number from 0 up to, and without, a limit. */
export type Dice = (limit: number) => number;

/** Numbers from a seed, the same everywhere. Source: mulberry32. */
export function diceFrom(seed: number): Dice {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const pick = <Item>(dice: Dice, items: readonly Item[]): Item => items[dice(items.length)] as Item;

const KEYS = ['w', 'b', 'model', 'step', '_metadata'];
const DATA: readonly Piece[] = [
  'N',
  0x88,
  0x89,
  assemble('K', 3),
  integer(2),
  assemble('G', Buffer.alloc(8)),
  ')',
];
const NAMES: readonly (readonly [string, string])[] = [
  ['collections', 'OrderedDict'],
  ['collections', 'defaultdict'],
  ['torch', 'Size'],
  ['torch._utils', '_rebuild_parameter'],
  ['builtins', 'set'],
  ['builtins', 'dict'],
  ['builtins', 'complex'],
  ['torch.nn.parameter', 'Parameter'],
];

/** Tensors of the one storage: most lie inside it. */
function anyTensor(dice: Dice): Buffer {
  const size = Array.from({ length: dice(3) }, () => dice(4));
  return tensor({ size, stride: size.map(() => dice(3)) });
}

/** A few instructions that leave one more value than they found, or act on what is there. */
function step(dice: Dice): Buffer {
  const key = () => text(pick(dice, KEYS));
  const steps: (() => Buffer)[] = [
    () => assemble(pick(dice, DATA)),
    key,
    () => anyTensor(dice),
    () => ORDERED_DICT,
    () => assemble('}'),
    () => assemble(']'),
    () => assemble(key(), anyTensor(dice), 's'),
    () => assemble('(', key(), anyTensor(dice), key(), anyTensor(dice), 'u'),
    () => assemble('(', anyTensor(dice), 'e'),
    () => assemble(pick(dice, DATA), 'a'),
    () => put(dice(5)),
    () => assemble(0x94),
    () => get(dice(5)),
    () => assemble('0'),
    () => assemble('2'),
    () => assemble('('),
    () => assemble(pick(dice, ['t', 0x85, 0x86, 0x87])),
    () => named(...pick(dice, NAMES)),
    () => assemble(pick(dice, ['R', 0x81, 0x92])),
    () => assemble(named(...pick(dice, NAMES)), get(dice(5)), 0x85, pick(dice, ['R', 0x81])),
    () =>
      assemble(
        named('collections', 'OrderedDict'),
        '](](',
        key(),
        anyTensor(dice),
        'ee',
        put(dice(5)),
        0x85,
        'R',
      ),
    () => assemble('b'),
    () => assemble('}', text('_metadata'), '}', key(), '}', text('version'), 'K', 2, 'sssb'),
    () =>
      assemble(named('torch._utils', '_rebuild_parameter'), '(', anyTensor(dice), 0x88, ORDERED_DICT, 'tR'),
    () => assemble(get(dice(5)), key(), anyTensor(dice), 's', '0'),
  ];
  return pick(dice, steps)();
}

/** A short program without a plan, as a whole stream. */
export function randomProgram(dice: Dice): Buffer {
  return assemble(0x80, 2, ...Array.from({ length: 2 + dice(12) }, () => step(dice)), '.');
}

/** A checkpoint whose model, and what stands beside it, were made by steps that often fit together. */
export function randomRoot(dice: Dice): Buffer {
  const steps = (count: number) => Array.from({ length: dice(count) }, () => step(dice));
  const model = pick(dice, [
    () => MODEL,
    () => assemble(ORDERED_DICT, put(0), ...steps(3)),
    () => assemble('}', put(0), '(', text('w'), anyTensor(dice), 'u', ...steps(3)),
    () =>
      assemble(
        named('collections', 'OrderedDict'),
        '](](',
        text('w'),
        anyTensor(dice),
        'ee',
        put(1),
        0x85,
        'R',
        ...steps(3),
      ),
  ])();
  return rootOf(model, text(pick(dice, KEYS)), ...steps(5));
}

/** Change some bytes: exchange, drop, double. */
export function mutated(dice: Dice, bytes: Uint8Array, changes = 1 + dice(4)): Buffer {
  let changed = Buffer.from(bytes);
  for (let count = 0; count < changes && changed.length > 0; count += 1) {
    const at = dice(changed.length);
    const kind = dice(4);
    if (kind === 0) changed[at] = dice(256);
    else if (kind === 1) changed[at] = (changed[at] ?? 0) ^ (1 << dice(8));
    else if (kind === 2)
      changed = Buffer.concat([changed.subarray(0, at), changed.subarray(at + 1 + dice(8))]);
    else {
      const piece = changed.subarray(at, at + 1 + dice(16));
      changed = Buffer.concat([changed.subarray(0, at), piece, changed.subarray(at)]);
    }
  }
  return changed;
}

/** A whole checkpoint's stream, changed in a few bytes. */
export function mutatedRoot(dice: Dice): Buffer {
  return mutated(dice, rootOf(MODEL, text('x'), tensorArguments()), 1 + dice(2));
}
