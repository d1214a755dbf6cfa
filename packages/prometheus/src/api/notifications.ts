/** /notifications and, as server-sent events, /notifications/live. */
import type { FastifyInstance } from "fastify";
import type { Notification } from "../notifications.ts";
import type { ApiContext } from "./context.ts";
import { sendData } from "./envelope.ts";

export function mountNotificationsApi(app: FastifyInstance, context: Pick<ApiContext, "notifications">): void {
  const { notifications } = context;
  app.get("/api/v1/notifications", async (_request, reply) => sendData(reply, notifications.current));

  // Not compressed: what is told must not wait in a buffer.
  app.get("/api/v1/notifications/live", { compress: false }, async (_request, reply) => {
    const early: Notification[] = [];
    let write = (notification: Notification): void => void early.push(notification);
    const leave = notifications.subscribe((notification) => write(notification));
    if (!leave) return reply.code(204).send();
    reply.hijack();
    const { raw } = reply;
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
    raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache", connection: "keep-alive" });
    raw.flushHeaders();
    write = (notification) => void raw.write(`data: ${JSON.stringify(notification)}\n\n`);
    for (const notification of early) write(notification);
    raw.on("close", leave);
    return reply;
  });
}
