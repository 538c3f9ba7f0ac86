import { COST, CreationBudget } from './creation-budget.ts';
import { isKnownName } from './known-names.ts';
import type { CheckpointLimits } from './limits.ts';
import { malformed, quoted } from './malformed.ts';
import type {
  ComplexNode,
  DictNode,
  FloatNode,
  GlobalNode,
  ListNode,
  OpaqueNode,
  PickleValue,
  SetNode,
  StorageNode,
  TensorNode,
  TupleNode,
} from './pickle-value.ts';

/** The last character of Latin-1. */
const LATIN1_MAX = 0xff;
/** What empty dicts share: every tensor of a checkpoint has one, and a Map of its own would cost more than the rest. */
const NO_ENTRIES: Map<PickleValue, PickleValue> = new Map();
/** The one empty tuple, as in Python. */
const EMPTY_TUPLE: TupleNode = { kind: 'tuple', items: [], counts: [] };

/**
 * Makes every value of one pickle stream, and keeps account of it.
 *
 * Guarantees: nothing is made that the budget does not allow; a storage's key stands for one storage; every foreign
 * name that the stream mentions is known in the end, also of what the stream throws away.
 */
export class PickleFactory {
  readonly budget: CreationBudget;
  /** Names of the stream that are not on the list of what a checkpoint may hold. */
  readonly foreign = new Set<string>();
  /** By key. */
  readonly storages = new Map<string, StorageNode>();
  readonly #nameMax: number;

  constructor(bytes: number, limits: CheckpointLimits, budget?: CreationBudget) {
    this.budget = budget ?? new CreationBudget(bytes, limits);
    this.#nameMax = limits.nameBytesMax;
  }

  text(value: string): string {
    this.budget.charge(COST.text + value.length, 'texts');
    return value;
  }

  bytes(value: Uint8Array): Uint8Array {
    this.budget.charge(COST.bytes + value.length, 'byte strings');
    return Uint8Array.from(value);
  }

  /** The bytes that a text in Latin-1 stands for. Errors: CorruptError 'bad-call' for any other text. */
  latin1(text: string): Uint8Array {
    this.budget.charge(COST.bytes + text.length, 'byte strings');
    // Control characters stand there by right: it is bytes that are spelt so.
    for (let index = 0; index < text.length; index += 1)
      if (text.charCodeAt(index) > LATIN1_MAX)
        throw malformed('bad-call', '_codecs.encode is given text that is not Latin-1');
    return Buffer.from(text, 'latin1');
  }

  complex(real: number, imaginary: number): ComplexNode {
    this.budget.charge(COST.node, 'numbers');
    return { kind: 'complex', real, imaginary };
  }

  float(value: number): FloatNode {
    this.budget.charge(COST.number, 'numbers');
    return { kind: 'float', value };
  }

  list(): ListNode {
    this.budget.charge(COST.list, 'lists');
    return { kind: 'list', items: [], isTaken: false };
  }

  set(items: PickleValue[]): SetNode {
    this.budget.charge(COST.list + COST.item * items.length, 'sets');
    return { kind: 'set', items };
  }

  tuple(items: readonly PickleValue[]): TupleNode {
    if (items.length === 0) return EMPTY_TUPLE;
    this.budget.charge(COST.tuple + COST.item * items.length, 'tuples');
    return { kind: 'tuple', items, counts: null };
  }

  dict(ordered: boolean): DictNode {
    this.budget.charge(COST.dict, 'dicts');
    return { kind: 'dict', ordered, entries: NO_ENTRIES, attributes: null };
  }

  /** Put an item into a dict. */
  setEntry(dict: DictNode, key: PickleValue, value: PickleValue): void {
    const isFirst = dict.entries === NO_ENTRIES;
    this.budget.charge(isFirst ? COST.firstEntry : COST.entry, "dicts' entries");
    if (isFirst) dict.entries = new Map();
    dict.entries.set(key, value);
  }

  /** Append to a list or a set. */
  append(target: ListNode | SetNode, item: PickleValue): void {
    this.budget.charge(COST.item, "lists' items");
    target.items.push(item);
  }

  /** A name that the stream mentions. Errors: CorruptError 'too-long'. */
  global(module: string, name: string): GlobalNode {
    // A text is at least as many bytes as it has code units.
    if (Math.max(module.length, name.length) > this.#nameMax)
      throw malformed('too-long', `the checkpoint uses a name of ${module.length + name.length} characters`, {
        max: this.#nameMax,
      });
    const full = globalName(module, name);
    this.budget.charge(COST.node + COST.text + full.length, 'names');
    if (!isKnownName(full)) this.addForeign(full);
    return { kind: 'global', name: full };
  }

  opaque(name: string): OpaqueNode {
    this.budget.charge(COST.node, 'foreign objects');
    return { kind: 'opaque', name };
  }

  /** Remember a name that only foreign code could give a meaning to. */
  addForeign(name: string): void {
    if (this.foreign.has(name)) return;
    this.budget.charge(COST.entry + COST.text + name.length, 'foreign names');
    this.foreign.add(name);
  }

  /** The storage of this key. Errors: CorruptError 'bad-storage' when the stream described it otherwise before. */
  storage(described: StorageNode): StorageNode {
    const known = this.storages.get(described.key);
    if (known === undefined) {
      this.budget.charge(COST.storage, 'storages');
      this.storages.set(described.key, described);
      return described;
    }
    if (known.className !== described.className || known.numel !== described.numel)
      throw malformed('bad-storage', `storage ${quoted(described.key)} is described in two ways`);
    return known;
  }

  tensor(described: TensorNode): TensorNode {
    this.budget.charge(COST.tensor + COST.dimension * described.shape.length, 'tensors');
    return described;
  }
}

/** The one spelling under which a global is known: Python 2's module of built-ins has Python 3's name. */
function globalName(module: string, name: string): string {
  const modern = module === '__builtin__' || module === '__builtins__' ? 'builtins' : module;
  return `${modern}.${name}`;
}
