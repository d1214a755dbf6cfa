import { type Condition, FamilyMaker, type Resource, type Wire } from "../family.ts";

interface CertificateSigningRequest extends Wire {
  spec?: { signerName?: string };
  /** The certificate is base64 on the wire. */
  status?: { conditions?: Condition[]; certificate?: string };
}

const make = new FamilyMaker<CertificateSigningRequest>("kube_certificatesigningrequest_");
const CONDITIONS = ["Approved", "Denied", "Failed"];

export const certificatesigningrequests: Resource<CertificateSigningRequest> = {
  name: "certificatesigningrequests",
  type: { group: "certificates.k8s.io", version: "v1", plural: "certificatesigningrequests" },
  goType: "*v1.CertificateSigningRequest",
  identity: ({ metadata, spec }) => ["certificatesigningrequest", metadata.name, "signer_name", spec?.signerName],
  families: [
    make.annotations(),
    make.labels("STABLE"),
    make.created("STABLE"),
    make.gauge("condition", "STABLE", "The number of each certificatesigningrequest condition", ({ status }, emit) => {
      for (const wanted of CONDITIONS) {
        const count = (status?.conditions ?? []).filter(({ type }) => type === wanted).length;
        emit(count, ["condition", wanted.toLowerCase()]);
      }
    }),
    make.number("cert_length", "STABLE", "Length of the issued cert", ({ status }) =>
      Buffer.byteLength(status?.certificate ?? "", "base64"),
    ),
  ],
};
