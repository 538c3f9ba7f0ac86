import { beforeEach, describe, expect, it } from 'vitest';
import { localId, remoteId } from '../../../../src/ids.ts';
import { assertStillNew, assertStillPaired } from '../../../../src/sync/engine/effects.ts';
import { Replica } from '../../../../src/sync/engine/replica.ts';
import { VersionIndex } from '../../../../src/sync/index/version-index.ts';
import type { LocalFile, RemoteFile, RemoteFolder } from '../../../../src/sync/tree/entry.ts';

const ROOT: RemoteFolder = { kind: 'folder', id: remoteId('1'), parentId: null, name: '', etag: '0' };
const content = { sha1: 'a'.repeat(40), sizeBytes: 1, modifiedAtMs: 1000 };
const inBox = (id: string, name: string): RemoteFile => ({
  kind: 'file',
  id: remoteId(id),
  parentId: ROOT.id,
  name,
  etag: '0',
  content,
  versionId: `v${id}`,
  createdBy: null,
  modifiedBy: null,
  receivedAtMs: 1000,
});

describe('what a long transfer finds when it ends', () => {
  let replica: Replica;
  let onDisk: LocalFile;
  const [old, fresh] = [inBox('10', 'b.pt'), inBox('11', 'b.pt')];

  beforeEach(() => {
    replica = Replica.open(VersionIndex.open(':memory:'), ROOT);
    onDisk = {
      kind: 'file',
      id: localId(50),
      parentId: replica.localRoot.id,
      name: 'b.pt',
      inode: '1:2:3',
      content,
      changedAtMs: 1000,
    };
  });
  const pair = (remote: RemoteFile) =>
    replica.apply({
      putRemote: [remote],
      putLocal: [onDisk],
      pair: [
        { remoteId: remote.id, localId: onDisk.id, kind: 'file', parentId: ROOT.id, name: 'b.pt', content },
      ],
    });

  it('takes a name that nobody has', () => {
    replica.apply({ putRemote: [fresh] });
    expect(() => assertStillNew(replica, fresh, replica.localRoot)).not.toThrow();
  });

  it('does not take the name of a paired file that is gone from the disk and not yet known to be', () => {
    pair(old);
    replica.apply({ putRemote: [fresh] });
    expect(() => assertStillNew(replica, fresh, replica.localRoot)).toThrow('another entry');
  });

  it('does not come to a place that Box gave up meanwhile', () => {
    replica.apply({ putRemote: [{ ...fresh, name: 'a.txt', etag: '1' }] });
    expect(() => assertStillNew(replica, fresh, replica.localRoot)).toThrow('elsewhere');
    replica.apply({ removeRemote: [fresh.id] });
    expect(() => assertStillNew(replica, fresh, replica.localRoot)).toThrow('elsewhere');
  });

  it('replaces only the file that the entry is paired with', () => {
    pair(old);
    expect(() => assertStillPaired(replica, old, onDisk)).not.toThrow();
    expect(() => assertStillPaired(replica, fresh, onDisk)).toThrow("another entry's");
  });
});
