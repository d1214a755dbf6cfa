export { listenWeb, type WebListener, type WebListenerOptions } from "./web-listener.ts";
export { prepareWeb, type Web, type WebServerOptions } from "./web-server.ts";
