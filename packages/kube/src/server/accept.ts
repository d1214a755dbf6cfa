/** What form of an answer a client wants: plain JSON, a table, metadata only, aggregated discovery. */
import { StatusError } from "./status-error.ts";

export type Form =
  | { as: "Object" }
  | { as: "Table" }
  | { as: "PartialObjectMetadata" }
  | { as: "APIGroupDiscoveryList"; version: string };

/** The first acceptable form of the header's list. Protobuf is refused; clients then ask for JSON. */
export function negotiateForm(accept: string | undefined): Form {
  if (!accept) return { as: "Object" };
  let seen = false;
  for (const part of accept.split(",")) {
    const [type, ...parameters] = part.split(";").map((piece) => piece.trim());
    seen = true;
    const values = Object.fromEntries(parameters.map((parameter) => parameter.split("=", 2) as [string, string]));
    if (type === "*/*" || type === "application/*" || type === "text/plain") return { as: "Object" };
    if (type !== "application/json") continue;
    if (values.as === "Table" && values.g === "meta.k8s.io" && values.v === "v1") return { as: "Table" };
    if (
      (values.as === "PartialObjectMetadata" || values.as === "PartialObjectMetadataList") &&
      values.g === "meta.k8s.io" &&
      values.v === "v1"
    ) {
      return { as: "PartialObjectMetadata" };
    }
    if (values.as === "APIGroupDiscoveryList" && (values.v === "v2" || values.v === "v2beta1"))
      return { as: "APIGroupDiscoveryList", version: values.v };
    if (!values.as) return { as: "Object" };
  }
  if (!seen) return { as: "Object" };
  throw new StatusError(406, "NotAcceptable", "only the following media types are accepted: application/json");
}
