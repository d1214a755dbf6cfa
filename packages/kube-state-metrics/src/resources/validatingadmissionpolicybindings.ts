import { FamilyMaker } from "../family.ts";
import { admissionResource, bindingLabels, type PolicyBinding } from "./admission-fields.ts";

const make = new FamilyMaker<PolicyBinding>("kube_validatingadmissionpolicybinding_");

export const validatingadmissionpolicybindings = admissionResource<PolicyBinding>(
  "ValidatingAdmissionPolicyBinding",
  "validatingadmissionpolicybindings",
  [
    make.info("info", "ALPHA", "Information about the ValidatingAdmissionPolicyBinding.", bindingLabels),
    make.created("ALPHA", "Unix creation timestamp."),
    make.gauge(
      "validation_action",
      "ALPHA",
      "Validation actions for the ValidatingAdmissionPolicyBinding.",
      ({ spec }, emit) => {
        for (const action of spec?.validationActions ?? []) emit(1, ["action", action]);
      },
    ),
  ],
);
