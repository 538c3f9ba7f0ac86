import type { RemoteStore, UploadSource } from '../remote/remote-store.ts';
import type { Bandwidth } from './bandwidth.ts';

export interface BandwidthLimits {
  readonly up?: Bandwidth | undefined;
  readonly down?: Bandwidth | undefined;
}

/** A store whose content passes at a limited rate; everything else goes through as it is. */
export function throttledStore(store: RemoteStore, { up, down }: BandwidthLimits): RemoteStore {
  if (up === undefined && down === undefined) return store;
  const slowed = (source: UploadSource): UploadSource =>
    up === undefined ? source : { ...source, open: (range) => up.slow(source.open(range)) };
  return {
    account: () => store.account(),
    confine: (folderId) => store.confine(folderId),
    findFolder: (path, signal) => store.findFolder(path, signal),
    get: (id, kind, signal) => store.get(id, kind, signal),
    visibility: (id, kind, signal) => store.visibility(id, kind, signal),
    list: (folderId, signal) => store.list(folderId, signal),
    createFolder: (parentId, name, signal) => store.createFolder(parentId, name, signal),
    upload: (file, options) => store.upload({ ...file, source: slowed(file.source) }, options),
    uploadVersion: (version, options) =>
      store.uploadVersion({ ...version, source: slowed(version.source) }, options),
    download: async (request, options) => {
      const body = await store.download(request, options);
      return down === undefined ? body : down.slow(body);
    },
    relocate: (relocation, signal) => store.relocate(relocation, signal),
    remove: (removal, signal) => store.remove(removal, signal),
    versions: (id, signal) => store.versions(id, signal),
    promote: (id, versionId, signal) => store.promote(id, versionId, signal),
    position: (signal) => store.position(signal),
    changes: (position, signal) => store.changes(position, signal),
    waitForChange: (position, signal) => store.waitForChange(position, signal),
    close: () => store.close(),
  };
}
