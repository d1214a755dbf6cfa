import { webhookResource } from "./admission-fields.ts";

export const mutatingwebhookconfigurations = webhookResource(
  "MutatingWebhookConfiguration",
  "mutatingwebhookconfigurations",
  "mutating",
);
