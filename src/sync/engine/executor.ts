import { hostname } from 'node:os';
import type { Clock } from '../../clock.ts';
import { StaleError } from '../../errors.ts';
import type { LocalId } from '../../ids.ts';
import { unreachable } from '../../invariant.ts';
import type { Random } from '../../random.ts';
import { conflictStamp, type LocalDisk } from '../local/disk.ts';
import type { ConflictReason, Filter, Op } from '../plan/op.ts';
import type { RemoteStore } from '../remote/remote-store.ts';
import type { LocalEntry, LocalFolder } from '../tree/entry.ts';
import {
  assertNotFilled,
  assertStillNew,
  assertStillPaired,
  movedEntry,
  pairing,
  placedFile,
  placedFolder,
} from './effects.ts';
import { FileTransfers } from './file-transfers.ts';
import type { Changes, Replica } from './replica.ts';

export interface ExecutorOptions {
  readonly store: RemoteStore;
  readonly replica: Replica;
  readonly disk: LocalDisk;
  readonly filter: Filter;
  readonly clock: Clock;
  readonly random: Random;
  readonly onBytes: (direction: 'up' | 'down', bytes: number, id: string) => void;
  /** Where local content goes that lost its name; default `apart`: to the conflict folder, out of the mirror. */
  readonly conflictCopies?: 'apart' | 'beside';
}

/** Leaves room for the stamp within every name limit, also when each character takes several bytes. */
const CONFLICT_NAME_MAX = 30;

type OpOf<Kind extends Op['kind']> = Extract<Op, { kind: Kind }>;

/**
 * Carries out one op and tells what it changed in the three trees.
 *
 * Guarantees: preconditions are checked right before each write, by etag in Box and by stat facts on the disk; the
 * changes are what really stands on both sides afterwards. Errors: as the port and the disk raise them; the trees are
 * then as before.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #transfers: FileTransfers;
  /** Folders whose names at this process's start will survive a power cut; every later one of its own is synced. */
  readonly #lasting = new Set<LocalId>();

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#transfers = new FileTransfers(options);
  }

  async execute(op: Op, signal: AbortSignal): Promise<Changes> {
    switch (op.kind) {
      case 'agree':
        return this.#agree(op);
      case 'keep-online':
        return { pair: [pairing(op.remote, null)] };
      case 'forget':
        return { unpair: [op.synced.remoteId] };
      case 'download':
        return this.#download(op, signal);
      case 'upload':
        return this.#upload(op, { parentId: op.parentId }, signal);
      case 'upload-version':
        return this.#upload(op, { onto: op.remote }, signal);
      case 'make-local-folder':
        return this.#makeLocalFolder(op);
      case 'make-remote-folder':
        return this.#makeRemoteFolder(op, signal);
      case 'move-local':
        return this.#moveLocal(op);
      case 'move-remote':
        return this.#moveRemote(op, signal);
      case 'remove-local':
        return this.#removeLocal(op);
      case 'remove-remote':
        return this.#removeRemote(op, signal);
      case 'evict':
        return this.#evict(op);
      case 'set-aside':
        return this.#setAside(op);
      default:
        return unreachable(op);
    }
  }

  async #agree({ local, remote, parentId, name }: OpOf<'agree'>): Promise<Changes> {
    // What is agreed on and then found missing would count as deleted: so it must be there now.
    await this.#options.disk.assertUnchanged(this.#namesOf(local), local);
    await this.#makeNamesLast(local);
    return {
      pair: [pairing(remote, local.id, { parentId, name })],
      alsoStore: () => this.#options.replica.uploadEnded(local.id),
    };
  }

  /**
   * Before a file is paired that this process did not place: it may have its name from one that was killed right after.
   * Until the folder is synced, a power cut gives the name back to the former content, which would then look like an
   * edit of what was paired.
   */
  async #makeNamesLast({ parentId }: LocalEntry): Promise<void> {
    const { disk, replica } = this.#options;
    const folder = parentId === null ? undefined : replica.local.get(parentId);
    if (folder === undefined || this.#lasting.has(folder.id)) return;
    await disk.syncNames(this.#namesOf(folder));
    this.#lasting.add(folder.id);
  }

  async #download({ remote, parent, replaces }: OpOf<'download'>, signal: AbortSignal): Promise<Changes> {
    const { disk, replica } = this.#options;
    const staged = await this.#transfers.download(remote, signal);
    // A transfer may take long: what it was decided on is looked at again.
    if (replaces === null) assertStillNew(replica, remote, parent);
    else assertStillPaired(replica, remote, replaces);
    const name = replaces?.name ?? remote.name;
    const facts = await disk.place(staged, [...this.#namesOf(parent), name], {
      replaces,
      modifiedAtMs: remote.content.modifiedAtMs,
    });
    await disk.root.files.discard(staged);
    const local = placedFile(replica, { parentId: parent.id, name, facts }, remote.content, replaces?.id);
    const former = replica.synced.get(remote.id);
    const place =
      replaces === null || former === undefined
        ? undefined
        : { parentId: former.parentId, name: former.name };
    return { putLocal: [local], pair: [pairing(remote, local.id, place)] };
  }

  async #upload(
    op: OpOf<'upload'> | OpOf<'upload-version'>,
    target: Parameters<FileTransfers['upload']>[1],
    signal: AbortSignal,
  ): Promise<Changes> {
    const { replica } = this.#options;
    await this.#makeNamesLast(op.local);
    const sent = await this.#transfers.upload(op.local, target, signal);
    const former = replica.synced.get(sent.id);
    const place =
      'onto' in target && former !== undefined ? { parentId: former.parentId, name: former.name } : undefined;
    return {
      putRemote: [sent],
      pair: [pairing(sent, op.local.id, place)],
      alsoStore: () => replica.uploadEnded(op.local.id),
    };
  }

  async #makeLocalFolder({ remote, parent }: OpOf<'make-local-folder'>): Promise<Changes> {
    const { disk, replica } = this.#options;
    assertStillNew(replica, remote, parent);
    const facts = await disk.makeFolder([...this.#namesOf(parent), remote.name]);
    const local = placedFolder(replica, { parentId: parent.id, name: remote.name, facts });
    return { putLocal: [local], pair: [pairing(remote, local.id)] };
  }

  async #makeRemoteFolder(
    { local, parentId }: OpOf<'make-remote-folder'>,
    signal: AbortSignal,
  ): Promise<Changes> {
    const made = await this.#options.store.createFolder(parentId, local.name, signal);
    return { putRemote: [made], pair: [pairing(made, local.id)] };
  }

  async #moveLocal({ synced, local, parent, name }: OpOf<'move-local'>): Promise<Changes> {
    const { disk, replica } = this.#options;
    const facts = await disk.move(local, this.#namesOf(local), [...this.#namesOf(parent), name]);
    const parentId = replica.synced.byLocal(parent.id)?.remoteId ?? synced.parentId;
    return { putLocal: [movedEntry(local, parent.id, name, facts)], pair: [{ ...synced, parentId, name }] };
  }

  async #moveRemote(
    { synced, remote, parentId, name }: OpOf<'move-remote'>,
    signal: AbortSignal,
  ): Promise<Changes> {
    const moved = await this.#options.store.relocate(
      { id: remote.id, kind: remote.kind, parentId, name, etag: remote.etag },
      signal,
    );
    return { putRemote: [moved], pair: [{ ...synced, parentId: moved.parentId, name: moved.name }] };
  }

  async #removeLocal({ synced, local }: OpOf<'remove-local'>): Promise<Changes> {
    if (await this.#holdsUnmirrored(local)) return this.#moveAside(local, 'holds-unmirrored-files');
    await this.#options.disk.remove(local, this.#namesOf(local));
    return { removeLocal: [local.id], unpair: [synced.remoteId] };
  }

  async #removeRemote({ synced, remote }: OpOf<'remove-remote'>, signal: AbortSignal): Promise<Changes> {
    if (remote.kind === 'folder') await assertNotFilled(this.#options, { synced, folder: remote }, signal);
    const { id, kind, etag, name } = remote;
    const outcome = await this.#options.store.remove({ id, kind, etag }, signal);
    // Whether it is gone or only out of sight is decided where that is decided about everything else.
    if (outcome === 'unseen')
      throw new StaleError({ code: 'unseen', message: `${name} is not visible in Box` });
    const gone = this.#options.replica.remote
      .subtree(remote.id)
      .map((node) => node.id)
      .reverse();
    return { removeRemote: gone, unpair: gone };
  }

  async #evict({ local, remote }: OpOf<'evict'>): Promise<Changes> {
    const { disk, replica } = this.#options;
    const names = this.#namesOf(local);
    await disk.assertUnchanged(names, local);
    // Recorded before it happens: cut short in between, the file counts as a copy that stands too much, never as one
    // that somebody deleted.
    replica.apply({ removeLocal: [local.id], pair: [pairing(remote, null)] });
    await disk.remove(local, names);
    return {};
  }

  /** True for a folder that is gone in Box and empty but for what is never mirrored, which is nobody's to delete. */
  async #holdsUnmirrored(local: LocalEntry): Promise<boolean> {
    if (local.kind === 'file') return false;
    const { disk, filter } = this.#options;
    const names = this.#namesOf(local);
    const content = await disk.contentOf(names);
    const isIgnored = ({ name, kind }: (typeof content)[number]) =>
      filter([...names, name], kind === 'folder' ? 'folder' : 'file') === 'ignore';
    return content.length > 0 && content.every(isIgnored);
  }

  #setAside({ local, reason }: OpOf<'set-aside'>): Promise<Changes> {
    return this.#moveAside(local, reason);
  }

  async #moveAside(local: LocalEntry, reason: ConflictReason): Promise<Changes> {
    const { disk, replica, clock, random } = this.#options;
    const names = this.#namesOf(local);
    const stamp = conflictStamp(clock.now(), hostname(), random);
    if (this.#options.conflictCopies === 'beside') return this.#moveBeside({ local, reason }, names, stamp);
    const keptAs = await disk.setAside(local, names, stamp);
    const below = this.#subtreeOf(local);
    const unpair = below.flatMap((id) => replica.synced.byLocal(id)?.remoteId ?? []);
    return { removeLocal: below, unpair, alsoStore: this.#noteConflict({ local, reason }, names, keptAs) };
  }

  /** The copy stands beside, under a name of its own, and is mirrored like any other entry from then on. */
  async #moveBeside(
    op: Pick<OpOf<'set-aside'>, 'local' | 'reason'>,
    names: readonly string[],
    stamp: string,
  ): Promise<Changes> {
    const { disk, replica } = this.#options;
    const { local } = op;
    const name = `${[...local.name].slice(0, CONFLICT_NAME_MAX).join('')}.${stamp}.conflict`;
    const target = [...names.slice(0, -1), name];
    const facts = await disk.move(local, names, target);
    const unpair = this.#subtreeOf(local).flatMap((id) => replica.synced.byLocal(id)?.remoteId ?? []);
    return {
      putLocal: local.parentId === null ? [] : [movedEntry(local, local.parentId, name, facts)],
      unpair,
      alsoStore: this.#noteConflict(op, names, disk.root.resolve(target)),
    };
  }

  #subtreeOf(local: LocalEntry): readonly LocalEntry['id'][] {
    return this.#options.replica.local
      .subtree(local.id)
      .map((node) => node.id)
      .reverse();
  }

  #noteConflict(
    { local, reason }: Pick<OpOf<'set-aside'>, 'local' | 'reason'>,
    names: readonly string[],
    keptAs: string,
  ): () => void {
    const { replica, clock } = this.#options;
    const sha1 = local.kind === 'file' ? local.content.sha1 : null;
    const conflict = { atMs: clock.now(), path: names.join('/'), reason, keptAs, sha1 };
    return () => replica.index.addConflict(conflict);
  }

  #namesOf(entry: LocalEntry | LocalFolder): readonly string[] {
    const names = this.#options.replica.local.pathOf(entry.id);
    if (names === undefined) throw new StaleError({ code: 'local-gone', message: 'the entry left the tree' });
    return names;
  }
}
