import type { MemoryWorld } from '../../src/sync/remote/memory-world.ts';
import { CONFLICTS, MIRROR } from './places.ts';
import type { DiskNode, SimDisk } from './sim-disk.ts';

/**
 * Knows what may be lost and what may be seen; simpler than any engine: sets of contents.
 *
 * A content is finished when a program completed it, and discarded when a program at the same site overwrote or
 * deleted it there, or a power cut took it before it was synced. Whatever was finished and not discarded must be
 * somewhere at the end; nothing but what was finished may ever be seen where its writer is not.
 */
export class Oracle {
  readonly faults: string[] = [];
  readonly #finished = new Set<string>();
  readonly #discarded = new Set<string>();
  /** What a program or a person overwrote or deleted, or a power cut took. */
  readonly #givenUp = new Set<string>();
  /** Files that a program is writing at this moment. */
  readonly #open = new Set<DiskNode>();
  /** The highest count seen of each site's counter, by the site that sees it. */
  readonly #counters = new Map<string, number>();
  readonly #unsteady = new Set<string>();

  fault(message: string): void {
    if (this.faults.length < 20) this.faults.push(message);
  }

  startsWriting(node: DiskNode): void {
    this.#open.add(node);
  }

  finishes(node: DiskNode | undefined, content: string): void {
    if (node !== undefined) this.#open.delete(node);
    this.#finished.add(content);
  }

  discards(content: string): void {
    this.#givenUp.add(content);
    if (this.#finished.has(content)) this.#discarded.add(content);
  }

  /** Content that is not finished and that others may see all the same; nobody misses it. */
  mayBeSeen(content: string): void {
    this.#finished.add(content);
    this.discards(content);
  }

  /** A person deletes or replaces something in Box: it stays in Box's history, and mirrors may drop it. */
  givesUp(contents: readonly string[]): void {
    for (const content of contents) this.#givenUp.add(content);
  }

  /**
   * An engine takes content away from one side: somebody must have deleted that very content, or it stands elsewhere.
   *
   * No content that somebody finished leaves the last place that holds it without that, and no side is emptied because the
   * other was out of sight.
   */
  engineTakesAway(who: string, where: string, content: string, standsElsewhere: () => boolean): void {
    if (!this.#finished.has(content) || this.#givenUp.has(content) || standsElsewhere()) return;
    this.fault(`${who} deletes what nobody deleted ${where}: ${content.slice(0, 40)}`);
  }

  /** Every content at a site, wherever it stands. */
  contentsOn(disk: SimDisk): Set<string> {
    return contentsAt(disk, () => true);
  }

  /** Every content at a site that stands under a name: a name that was not synced is as lost as the bytes are. */
  namedContentsOn(disk: SimDisk): Set<string> {
    return contentsAt(disk, (path) => !path.endsWith('.mila-tmp'));
  }

  /** Programs that did not sync bear the loss themselves; what the engine wrote must be whole. */
  powerWasCut(site: string, disk: SimDisk, before: ReadonlySet<string>): void {
    // A name that was just given is not certain yet: what it showed may be the former content again.
    for (const key of [...this.#counters.keys()]) if (key.startsWith(`${site} `)) this.#counters.delete(key);
    const after = this.namedContentsOn(disk);
    for (const content of before) if (!after.has(content)) this.discards(content);
    for (const [path, node] of disk.walk(MIRROR)) {
      // The simulated writer outlives the cut, and goes on.
      if (node.kind !== 'file' || path.endsWith('.mila-tmp') || this.#open.has(node)) continue;
      const content = node.bytes.toString();
      if (this.#finished.has(content)) continue;
      if (node.writer === 'engine')
        this.fault(`after a power cut ${path} is half-written by the engine: ${content}`);
      this.mayBeSeen(content);
    }
  }

  /** Without what was agreed, an edit cannot be told from an old copy: Box keeps the name, also of the site's own counter. */
  indexWasLost(site: string): void {
    this.#unsteady.add(site);
  }

  isOpen(node: DiskNode | undefined): boolean {
    return node !== undefined && this.#open.has(node);
  }

  /** What stands at final names is whole, at any time. */
  lookAt(site: string, disk: SimDisk): void {
    for (const [path, node] of disk.walk(MIRROR)) {
      if (node.kind !== 'file' || path.endsWith('.mila-tmp') || this.#open.has(node)) continue;
      const content = node.bytes.toString();
      if (!this.#finished.has(content))
        this.fault(`${site}: ${path} shows what nobody finished: ${content.slice(0, 40)}`);
      this.#watchCounter(site, path, content);
    }
  }

  /** A counter that one site writes never goes back for another. */
  #watchCounter(site: string, path: string, content: string): void {
    const count = /^beat of (\w+) (\d+) /.exec(content);
    if (count === null || !path.endsWith(`/beat-${count[1]}.txt`)) return;
    if (this.#unsteady.has(site)) return;
    const key = `${site} ${count[1]}`;
    const value = Number(count[2]);
    if (value < (this.#counters.get(key) ?? 0))
      this.fault(`${site}: the counter of ${count[1]} went back to ${value}`);
    this.#counters.set(key, Math.max(value, this.#counters.get(key) ?? 0));
  }

  /** Everything that Box holds or ever held is something that was finished. */
  judgeBox(world: MemoryWorld): void {
    for (const item of world.all())
      for (const version of item.versions) {
        const content = Buffer.from(version.bytes).toString();
        if (!this.#finished.has(content))
          this.fault(`Box holds what nobody finished: ${item.name}: ${content.slice(0, 40)}`);
      }
  }

  /** Nothing is lost. */
  judgeSurvival(world: MemoryWorld, disks: readonly SimDisk[]): void {
    const kept = new Set<string>();
    for (const item of world.all())
      for (const version of item.versions) kept.add(Buffer.from(version.bytes).toString());
    for (const disk of disks) for (const content of this.contentsOn(disk)) kept.add(content);
    for (const content of this.#finished)
      if (!this.#discarded.has(content) && !kept.has(content)) this.fault(`lost: ${content.slice(0, 60)}`);
  }

  /** Both sides agree, and nothing of the engine's own lies about. */
  judgeAgreement(box: ReadonlyMap<string, string>, name: string, disk: SimDisk): void {
    const here = shownBy(disk, box);
    for (const [path, content] of box)
      if (here.get(path) !== content)
        this.fault(`${name}: ${path} is ${brief(here.get(path))}, in Box ${brief(content)}`);
    for (const path of here.keys())
      if (!box.has(path)) this.fault(`${name}: ${path} stands on the disk only`);
    for (const [path] of disk.walk('/mount/.mila-sync/staging'))
      this.fault(`${name}: ${path} was left behind`);
  }

  conflictsOn(disk: SimDisk): number {
    return [...disk.walk(CONFLICTS)].filter(([, node]) => node.kind === 'file').length;
  }
}

const brief = (content: string | undefined) => (content === undefined ? 'missing' : content.slice(0, 30));

/** What a mirror shows, by path. */
function shownBy(disk: SimDisk, box: ReadonlyMap<string, string>): Map<string, string> {
  const here = new Map<string, string>();
  for (const [path, node] of disk.walk(MIRROR)) {
    const name = path.slice(MIRROR.length + 1);
    // A power cut left nothing of it: an empty checkpoint is reported, and not sent.
    const isCutOff = name.endsWith('.pt') && node.kind === 'file' && node.bytes.byteLength === 0;
    if (name.endsWith('.mila-tmp') || (isCutOff && !box.has(name))) continue;
    here.set(name, node.kind === 'file' ? node.bytes.toString() : '/');
  }
  return here;
}

function contentsAt(disk: SimDisk, counts: (path: string) => boolean): Set<string> {
  const found = new Set<string>();
  for (const [path, node] of disk.walk('/mount'))
    if (node.kind === 'file' && !path.includes('/staging/') && counts(path)) found.add(node.bytes.toString());
  return found;
}
