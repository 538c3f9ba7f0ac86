import type { Logger } from '../../logger.ts';
import type { VersionIndex } from '../index/version-index.ts';
import type { MountLayout } from '../local/mirror-root.ts';
import { openIndex } from './open-index.ts';
import { assertSameMount } from './remembered.ts';

interface OwnIndexOptions {
  readonly layout: MountLayout;
  /** For whom it is opened: "server", or a client's name. */
  readonly participant?: string;
  readonly logger: Logger;
}

/** Open a mount's index for who it belongs to. Errors: as `openIndex` and `assertSameMount`. */
export async function openOwnIndex(
  path: string,
  { layout, participant, logger }: OwnIndexOptions,
): Promise<VersionIndex> {
  const index = await openIndex(path, logger);
  try {
    assertSameMount(index, layout, participant);
    return index;
  } catch (error) {
    index.close();
    throw error;
  }
}
