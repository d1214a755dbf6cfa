import { webhookResource } from "./admission-fields.ts";

export const validatingwebhookconfigurations = webhookResource(
  "ValidatingWebhookConfiguration",
  "validatingwebhookconfigurations",
  "validating",
);
