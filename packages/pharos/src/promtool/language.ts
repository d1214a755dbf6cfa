/** Which PromQL the commands take: `--enable-feature`, as the server's. */
import type { FlagSpecs } from "@pharos/kit";
import type { EngineOptions } from "@pharos/promql";
import type { Invocation } from "../subcommands/subcommand.ts";

export const LANGUAGE_FLAGS = {
  "enable-feature": {
    type: "string",
    multiple: true,
    help: "Comma separated feature names to enable: promql-experimental-functions, promql-delayed-name-removal, promql-extended-range-selectors, promql-binop-fill-modifiers.",
  },
  experimental: { type: "boolean", help: "Enable experimental commands." },
} as const satisfies FlagSpecs;

const FEATURES: Readonly<Record<string, keyof EngineOptions | undefined>> = {
  "promql-experimental-functions": "experimentalFunctions",
  "promql-delayed-name-removal": "delayedNameRemoval",
  "promql-extended-range-selectors": "extendedRangeSelectors",
  "promql-binop-fill-modifiers": "binopFillModifiers",
  // Always on.
  "promql-duration-expr": undefined,
};

export function languageOf({ values, warn }: Invocation): EngineOptions {
  const names = (values["enable-feature"] as readonly string[]).flatMap((value) => value.split(","));
  const options: EngineOptions = {};
  for (const name of names) {
    if (name === "") continue;
    if (!Object.hasOwn(FEATURES, name)) {
      warn(`  WARNING: Unknown feature passed to --enable-feature: ${name}\n`);
      continue;
    }
    const option = FEATURES[name];
    if (option) Object.assign(options, { [option]: true });
  }
  return options;
}
