/** The running configuration as the API may show it. */
import { redactYaml } from "@pharos/kit";

/** Keys whose value is a secret wherever they stand (their `_file` variants are paths and stay). */
const SECRET_KEYS = new Set([
  "password",
  "bearer_token",
  "credentials",
  "client_secret",
  "secret_key",
  "token",
  "key",
  "application_credential_secret",
  "secret",
  // `http_headers.<name>.secrets`
  "secrets",
  "api_key",
  "license_key",
]);

export function redactConfig(text: string): string {
  return redactYaml(text, (key) => SECRET_KEYS.has(key));
}
