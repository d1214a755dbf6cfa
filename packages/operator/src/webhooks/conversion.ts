/** What the conversion webhook of AlertmanagerConfig answers. */
import type { KubeObject } from "@pharos/kube";
import { describeError } from "@pharos/model";
import { convertAlertmanagerConfig } from "../alertmanager/api-versions.ts";

export interface ConversionReview {
  apiVersion: string;
  kind: string;
  request?: { uid: string; desiredAPIVersion: string; objects: KubeObject[] };
}

export interface ConversionAnswer {
  apiVersion: string;
  kind: "ConversionReview";
  response: {
    uid: string;
    convertedObjects: KubeObject[];
    result: { status: "Success" | "Failure"; message?: string };
  };
}

export function convertReview({ apiVersion, request }: ConversionReview): ConversionAnswer {
  const answer = (
    convertedObjects: KubeObject[],
    result: ConversionAnswer["response"]["result"],
  ): ConversionAnswer => ({
    apiVersion,
    kind: "ConversionReview",
    response: { uid: request?.uid ?? "", convertedObjects, result },
  });
  if (!request) return answer([], { status: "Failure", message: "the review has no request" });
  try {
    const { objects, desiredAPIVersion } = request;
    return answer(
      objects.map((object) => convertAlertmanagerConfig(object, desiredAPIVersion)),
      { status: "Success" },
    );
  } catch (error) {
    return answer([], { status: "Failure", message: describeError(error) });
  }
}
