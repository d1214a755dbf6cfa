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
  "application_secret",
  "auth_token",
  "certificate_password",
  "client_certificate_key",
  "consumer_key",
  "key_passphrase",
  "private_key",
  "service_account_key",
  "secret",
  // `http_headers.<name>.secrets`
  "secrets",
  "api_key",
  "license_key",
]);

export function redactConfig(text: string): string {
  return redactYaml(text, (key) => SECRET_KEYS.has(key));
}
