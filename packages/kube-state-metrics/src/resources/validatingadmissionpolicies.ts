import { FamilyMaker } from "../family.ts";
import { admissionResource, type Policy, policyLabels } from "./admission-fields.ts";

const make = new FamilyMaker<Policy>("kube_validatingadmissionpolicy_");

export const validatingadmissionpolicies = admissionResource<Policy>(
  "ValidatingAdmissionPolicy",
  "validatingadmissionpolicies",
  [
    make.info("info", "ALPHA", "Information about the ValidatingAdmissionPolicy.", policyLabels),
    make.created("ALPHA", "Unix creation timestamp."),
  ],
);
