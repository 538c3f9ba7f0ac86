// Assembles src/fl/tensor/kernel.wat into src/fl/tensor/kernel-bytes.ts. It knows only what the kernel uses: one
// imported memory, exported functions, flat instructions. Every opcode is from the WebAssembly core
// specification 2.0, appendix "Index of Instructions".
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src', 'fl', 'tensor');

const TYPES = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const EMPTY_BLOCK = 0x40;
const PLAIN = {
  end: [0x0b],
  'i32.ge_u': [0x4f],
  'i32.lt_u': [0x49],
  'i32.gt_u': [0x4b],
  'i32.add': [0x6a],
  'i32.shl': [0x74],
  'f64.add': [0xa0],
};
const BLOCKS = { block: 0x02, loop: 0x03, if: 0x04 };
const LOCALS = { 'local.get': 0x20, 'local.set': 0x21, 'local.tee': 0x22 };
const BRANCHES = { br: 0x0c, br_if: 0x0d };
/** Opcode and natural alignment (power of two) of each access to memory. */
const ACCESSES = { 'i32.load': [[0x28], 2] };
const VECTOR_ACCESSES = { 'v128.load': [0x00, 4], 'v128.load32_splat': [0x09, 2], 'v128.store': [0x0b, 4] };
const VECTORS = {
  'i32x4.splat': 0x11,
  'f32x4.splat': 0x13,
  'i32x4.eq': 0x37,
  'v128.and': 0x4e,
  'v128.or': 0x50,
  'v128.xor': 0x51,
  'v128.any_true': 0x53,
  'f64x2.promote_low_f32x4': 0x5f,
  'f32x4.add': 0xe4,
  'f32x4.sub': 0xe5,
  'f32x4.mul': 0xe6,
  'f32x4.div': 0xe7,
  'f32x4.min': 0xe8,
  'f32x4.max': 0xe9,
  'f64x2.add': 0xf0,
};
const LANES = { 'f64x2.extract_lane': 0x21 };

function unsigned(value) {
  const bytes = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

function signed(value) {
  const bytes = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

const vector = (code) => [0xfd, ...unsigned(code)];
const text = (value) => [...unsigned(value.length), ...Buffer.from(value, 'latin1')];
const list = (items) => [...unsigned(items.length), ...items.flat()];
const section = (id, content) => [id, ...unsigned(content.length), ...content];

/** Nested arrays of words, as the parentheses say. */
function parse(source) {
  const words = source.replaceAll(/;;.*/gu, '').match(/"[^"]*"|[()]|[^\s()"]+/gu);
  let at = 0;
  const read = () => {
    const word = words[at++];
    if (word !== '(') return word;
    const items = [];
    while (words[at] !== ')') items.push(read());
    at += 1;
    return items;
  };
  return read();
}

class Body {
  constructor(locals) {
    this.locals = locals;
    this.labels = [];
    this.code = [];
  }

  assemble(words) {
    this.words = words;
    for (this.at = 0; this.at < words.length; ) this.one(this.next());
    return [...this.code, 0x0b];
  }

  next() {
    return this.words[this.at++];
  }

  emit(...bytes) {
    this.code.push(...bytes);
  }

  one(word) {
    if (word in BLOCKS) this.open(word);
    else if (word in LOCALS) this.emit(LOCALS[word], ...unsigned(this.local(this.next())));
    else if (word in BRANCHES) this.emit(BRANCHES[word], ...unsigned(this.label(this.next())));
    else if (word in ACCESSES) this.access(...ACCESSES[word]);
    else if (word in VECTOR_ACCESSES) this.access(vector(VECTOR_ACCESSES[word][0]), VECTOR_ACCESSES[word][1]);
    else if (word in VECTORS) this.emit(...vector(VECTORS[word]));
    else if (word in LANES) this.emit(...vector(LANES[word]), Number(this.next()));
    else this.rest(word);
  }

  rest(word) {
    if (word === 'i32.const') this.emit(0x41, ...signed(Number(this.next())));
    else if (word === 'i8x16.shuffle')
      this.emit(...vector(0x0d), ...Array.from({ length: 16 }, () => Number(this.next())));
    else if (word in PLAIN) {
      if (word === 'end') this.labels.pop();
      this.emit(...PLAIN[word]);
    } else throw new Error(`unknown instruction ${word}`);
  }

  open(word) {
    const label = this.words[this.at]?.startsWith?.('$') ? this.next() : '';
    this.labels.push(label);
    this.emit(BLOCKS[word], EMPTY_BLOCK);
  }

  access(opcode, alignment) {
    const hasOffset = this.words[this.at]?.startsWith?.('offset=');
    const offset = hasOffset ? Number(this.next().slice('offset='.length)) : 0;
    this.emit(...opcode, ...unsigned(alignment), ...unsigned(offset));
  }

  local(name) {
    const index = this.locals.indexOf(name);
    if (index < 0) throw new Error(`unknown local ${name}`);
    return index;
  }

  label(name) {
    const index = this.labels.lastIndexOf(name);
    if (index < 0) throw new Error(`unknown label ${name}`);
    return this.labels.length - 1 - index;
  }
}

function functionOf(items) {
  const clause = (kind) => items.filter((item) => Array.isArray(item) && item[0] === kind);
  const parameters = clause('param');
  const locals = clause('local');
  const type = (item) => TYPES[item.at(-1)];
  const names = [...parameters, ...locals].map((item) => item[1]);
  const words = items.slice(1).filter((item) => !Array.isArray(item));
  const code = new Body(names).assemble(words);
  const body = [...list(locals.map((item) => [1, type(item)])), ...code];
  return {
    name: clause('export')[0][1].slice(1, -1),
    type: [
      0x60,
      ...list(parameters.map((item) => [type(item)])),
      ...list(clause('result').map((item) => [type(item)])),
    ],
    body: [...unsigned(body.length), ...body],
  };
}

/** The module's bytes. */
export function assemble(source) {
  const items = parse(source).slice(1);
  const functions = items.filter(([kind]) => kind === 'func').map(functionOf);
  const [, module, name] = items.find(([kind]) => kind === 'import');
  const memory = [...text(module.slice(1, -1)), ...text(name.slice(1, -1)), 0x02, 0x00, ...unsigned(1)];
  return Buffer.from([
    ...Buffer.from('\0asm\x01\0\0\0', 'latin1'),
    ...section(1, list(functions.map(({ type }) => type))),
    ...section(2, list([memory])),
    ...section(3, list(functions.map((_, index) => unsigned(index)))),
    ...section(7, list(functions.map((each, index) => [...text(each.name), 0x00, ...unsigned(index)]))),
    ...section(10, list(functions.map(({ body }) => body))),
  ]);
}

/** The TypeScript file that carries the module. */
export function render(bytes) {
  const lines = bytes
    .toString('base64')
    .match(/.{1,100}/gu)
    .map((line) => `  '${line}',`);
  return [
    '// Made from kernel.wat by `node scripts/build-kernel.mjs`; a test assembles it again and compares.',
    '',
    '/** The assembled kernel in Base64. */',
    'export const KERNEL_BASE64 = [',
    ...lines,
    "].join('');",
    '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rendered = render(assemble(readFileSync(join(folder, 'kernel.wat'), 'utf8')));
  writeFileSync(join(folder, 'kernel-bytes.ts'), rendered);
}
