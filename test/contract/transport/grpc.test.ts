import { GrpcPlayground } from '../../support/grpc-federation.ts';
import { transportContract } from './suite.ts';

transportContract('gRPC', async () => {
  const playground = await GrpcPlayground.open();
  let target = '127.0.0.1:0';
  return {
    ground: playground.ground,
    async server(changes = {}) {
      // A restarted server is found where the one before it was.
      const server = await playground.server({ ...changes, target });
      target = server.target;
      return server;
    },
    client: (name, changes = {}) => playground.client(target, name, changes),
    close: () => playground.close(),
  };
});
