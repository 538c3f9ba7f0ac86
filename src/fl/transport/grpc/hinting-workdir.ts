import type { Workdir } from '../workdir.ts';

/**
 * A folder of this process alone: whoever writes to it hints the others.
 *
 * Guarantees: as the port. Nobody else writes there, so nothing is watched and nothing is polled.
 */
export function hintingWorkdir(folder: Workdir): Workdir {
  const watchers = new Set<() => void>();
  const hint = () => {
    for (const watcher of [...watchers]) watcher();
  };
  return {
    description: folder.description,
    identifies: folder.identifies,
    ...(folder.account === undefined ? {} : { account: () => folder.account?.() ?? null }),
    connected: () => true,
    list: (path) => folder.list(path),
    entry: (path) => folder.entry(path),
    read: (path, maxBytes) => folder.read(path, maxBytes),
    absolutePath: (path) => folder.absolutePath(path),
    async write(path, content) {
      await folder.write(path, content);
      hint();
    },
    async writeStream(path, fill) {
      await folder.writeStream(path, fill);
      hint();
    },
    async remove(path) {
      await folder.remove(path);
      hint();
    },
    async makeFolder(path) {
      await folder.makeFolder(path);
      hint();
    },
    async watch(onHint) {
      watchers.add(onHint);
      return { close: async () => void watchers.delete(onHint) };
    },
  };
}
