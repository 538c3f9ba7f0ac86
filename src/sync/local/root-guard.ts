import { isSystemError, messageOf } from '../../errors.ts';
import type { LocalId } from '../../ids.ts';
import type { Logger } from '../../logger.ts';
import { type MirrorRoot, stateFolder } from './mirror-root.ts';
import { deviceOf, isSameWhereverMounted } from './stat-facts.ts';

/**
 * What stands where the mirrored folder should.
 *
 * `there`: the very folder that was mirrored. `missing`: nothing, or no folder. `replaced`: another folder, or the
 * folder without the engine's own one beside it. `unknown`: the disk fails to tell.
 */
export type RootStanding = 'there' | 'missing' | 'replaced' | 'unknown';

/** What a mount remembers of the folder that it mirrors. */
export interface RootMemory {
  /** Device, inode and birth of the mirrored folder; undefined before it was seen for the first time. */
  readonly rootIdentity: string | undefined;
  keepRootIdentity(identity: string): void;
  /** The disk has another device number since it was mounted again: the entries known on it are the same ones. */
  renumberDevice(from: string, to: string): void;
  /** Nothing counts as agreed any more, so nothing that is missing on one side is a deletion. */
  forgetAgreements(): void;
  /** The same of what is below one folder, which from now on is the one of this identity. */
  forgetBelow(id: LocalId, identity: string): void;
}

/** A memory for a look that is not gone on with: the folder that is there is taken as it is. */
export function forgetfulMemory(): RootMemory {
  let rootIdentity: string | undefined;
  return {
    get rootIdentity() {
      return rootIdentity;
    },
    keepRootIdentity(identity) {
      rootIdentity = identity;
    },
    renumberDevice() {},
    forgetAgreements() {},
    forgetBelow() {},
  };
}

interface RootGuardOptions {
  readonly root: MirrorRoot;
  readonly memory: RootMemory;
  readonly logger: Logger;
}

/**
 * Tells whether the mirrored folder on the disk is the one that was synced: the witness without which nothing below it
 * counts as gone.
 *
 * An unmounted disk leaves an empty folder of the same path, and so does a script that makes a missing folder; both
 * look as if everything had been deleted.
 * Guarantees: while it runs, another folder is never taken for the mirrored one. At a start, another folder is taken
 * because a person mounted it, and then nothing that was agreed before is believed.
 */
export class RootGuard {
  readonly #options: RootGuardOptions;
  #stateIdentity: string | undefined;
  #standing: RootStanding = 'unknown';
  #recognised = false;
  #wasAnother = false;

  constructor(options: RootGuardOptions) {
    this.#options = options;
  }

  /** As it was found last. */
  get standing(): RootStanding {
    return this.#standing;
  }

  /** True when this start found another folder than the one that was mounted last. */
  get wasAnother(): boolean {
    return this.#wasAnother;
  }

  /** At a start, a folder below that lies on another disk is taken as well, and nothing that was known below it is believed. */
  adopt(id: LocalId, identity: string): void {
    this.#options.logger.warn(
      { identity },
      'another disk is mounted below; nothing is taken for deleted there',
    );
    this.#options.memory.forgetBelow(id, identity);
  }

  /** Look at the folder. Costs two looks at the disk, no listing. */
  async look(): Promise<RootStanding> {
    this.#standing = await this.#look();
    return this.#standing;
  }

  async #look(): Promise<RootStanding> {
    const { root, memory, logger } = this.#options;
    try {
      const found = await this.#identityOf(root.path);
      const state = await this.#identityOf(stateFolder(root.layout));
      if (!this.#recognised) this.#recognise(found, state);
      if (found === undefined) return 'missing';
      if (memory.rootIdentity === undefined) memory.keepRootIdentity(found);
      if (found !== memory.rootIdentity) return 'replaced';
      return this.#stateIdentity === undefined || state === this.#stateIdentity ? 'there' : 'replaced';
    } catch (error) {
      if (!isSystemError(error)) throw error;
      logger.warn({ path: root.path, error: messageOf(error) }, 'the mirrored folder could not be looked at');
      return 'unknown';
    }
  }

  /** The first look of a start: another folder than last time is taken, as somebody mounted it. */
  #recognise(found: string | undefined, state: string | undefined): void {
    const { memory } = this.#options;
    const known = memory.rootIdentity;
    if (found !== undefined && known !== undefined && found !== known) this.#takeAnother(known, found);
    // Last: what an index without room refused is done at the next look.
    this.#stateIdentity = state;
    this.#recognised = true;
  }

  #takeAnother(known: string, found: string): void {
    const { root, memory, logger } = this.#options;
    if (isSameWhereverMounted(known, found)) memory.renumberDevice(deviceOf(known), deviceOf(found));
    else {
      logger.warn(
        { path: root.path },
        'another folder stands where the mirrored one was; nothing is taken for deleted',
      );
      memory.forgetAgreements();
      this.#wasAnother = true;
    }
    memory.keepRootIdentity(found);
  }

  /** What names a folder; undefined when no folder is there. */
  async #identityOf(path: string): Promise<string | undefined> {
    const facts = await this.#options.root.files.facts(path);
    return facts?.kind === 'folder' ? facts.inode : undefined;
  }
}
