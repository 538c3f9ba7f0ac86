import type { Box } from '../box.ts';
import type { Route } from '../http/route.ts';
import { collaborationListRoutes } from './collaboration-lists.ts';
import { collaborationRoutes } from './collaborations.ts';
import { contentRoutes } from './content.ts';
import { controlRoutes } from './control.ts';
import { eventRoutes } from './events.ts';
import { fileRoutes } from './files.ts';
import { folderRoutes } from './folders.ts';
import { groupRoutes } from './groups.ts';
import { oauthRoutes } from './oauth.ts';
import { trashRoutes } from './trash.ts';
import { uploadSessionRoutes } from './upload-sessions.ts';
import { userRoutes } from './users.ts';
import { versionRoutes } from './versions.ts';
import { webLinkRoutes } from './web-links.ts';

/** Everything that the emulator answers. */
export function allRoutes(box: Box): readonly Route[] {
  return [
    ...oauthRoutes(box),
    ...userRoutes(box),
    ...groupRoutes(box),
    ...collaborationRoutes(box),
    ...collaborationListRoutes(box),
    ...folderRoutes(box),
    ...fileRoutes(box),
    ...contentRoutes(box),
    ...eventRoutes(box),
    ...versionRoutes(box),
    ...trashRoutes(box),
    ...webLinkRoutes(box),
    ...uploadSessionRoutes(box),
    ...controlRoutes(box),
  ];
}
