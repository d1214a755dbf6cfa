import { FamilyMaker } from "../family.ts";
import { admissionResource, type Policy, policyLabels } from "./admission-fields.ts";

const make = new FamilyMaker<Policy>("kube_mutatingadmissionpolicy_");

export const mutatingadmissionpolicies = admissionResource<Policy>(
  "MutatingAdmissionPolicy",
  "mutatingadmissionpolicies",
  [
    make.info("info", "ALPHA", "Information about the MutatingAdmissionPolicy.", (policy) => [
      ...policyLabels(policy),
      "reinvocation_policy",
      policy.spec?.reinvocationPolicy,
    ]),
    make.created("ALPHA", "Unix creation timestamp."),
  ],
);
