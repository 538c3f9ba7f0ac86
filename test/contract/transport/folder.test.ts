import { Playground } from '../../support/federation.ts';
import { transportContract } from './suite.ts';

transportContract('a shared folder', async () => {
  const ground = await Playground.open();
  return {
    ground,
    async server(changes = {}) {
      const stop = new AbortController();
      const park = new AbortController();
      const outcome = ground.server({ ...changes, stop: stop.signal, park: park.signal });
      return { outcome, stop: () => stop.abort(), park: () => park.abort() };
    },
    client: (name, changes = {}) => ground.client(name, changes),
    close: () => ground.close(),
  };
});
