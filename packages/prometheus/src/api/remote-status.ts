/** /status/remote_write: how each queue of remote write is getting on. Pharos' own. */
import type { RemoteWriteSender } from "@pharos/remote";
import type { FastifyInstance } from "fastify";
import { sendData } from "./envelope.ts";

export function mountRemoteStatus(app: FastifyInstance, sender: RemoteWriteSender): void {
  app.get("/api/v1/status/remote_write", async (_request, reply) =>
    sendData(reply, {
      queues: sender.status().map(({ highestSent, ...queue }) => ({
        ...queue,
        highestSent: highestSent === 0 ? null : new Date(highestSent).toISOString(),
      })),
    }),
  );
}
