import { FamilyMaker } from "../family.ts";
import { admissionResource, bindingLabels, type PolicyBinding } from "./admission-fields.ts";

const make = new FamilyMaker<PolicyBinding>("kube_mutatingadmissionpolicybinding_");

export const mutatingadmissionpolicybindings = admissionResource<PolicyBinding>(
  "MutatingAdmissionPolicyBinding",
  "mutatingadmissionpolicybindings",
  [
    make.info("info", "ALPHA", "Information about the MutatingAdmissionPolicyBinding.", bindingLabels),
    make.created("ALPHA", "Unix creation timestamp."),
  ],
);
