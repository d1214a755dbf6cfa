/** Whatever an API answers: labels that are texts, or a UserError. */
import { UserError } from "@pharos/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Json } from "../api/json.ts";
import { parseXml } from "../api/xml.ts";
import * as ec2 from "./aws/ec2.ts";
import * as ecs from "./aws/ecs.ts";
import * as elasticache from "./aws/elasticache.ts";
import * as lightsail from "./aws/lightsail.ts";
import * as msk from "./aws/msk.ts";
import * as rds from "./aws/rds.ts";
import * as consul from "./consul.ts";
import * as kuma from "./kuma.ts";
import * as marathon from "./marathon.ts";
import * as oci from "./oci/oci.ts";
import { parseIpList } from "./ovhcloud.ts";
import * as zookeeper from "./zookeeper/members.ts";

const nothing = new Json({});
const scope: ecs.ClusterScope = {
  cluster: nothing,
  services: new Map(),
  machineIds: new Map(),
  machines: new Map(),
  publicIps: new Map(),
  region: "r",
  port: 80,
};

/** Each makes label sets from an object; the fields are those it reads. */
const READERS: Readonly<Record<string, { fields: string[]; read: (json: Json) => object[] }>> = {
  consul: { fields: ["Node", "Service", "Checks"], read: (json) => [consul.instanceLabels(json, ",")] },
  kuma: { fields: ["typeUrl", "resources"], read: kuma.assignmentTargets },
  lightsail: {
    fields: ["privateIpAddress", "tags", "ipv6Addresses", "location"],
    read: (json) => lightsail.instanceLabels(json, "r", 80),
  },
  marathon: {
    fields: ["id", "tasks", "container", "networks", "portDefinitions", "labels"],
    read: (json) => marathon.appGroup(json).targets,
  },
  msk: { fields: ["brokerNodeInfo", "controllerNodeInfo", "nodeARN"], read: (json) => msk.nodeLabels(json, json, 80) },
  ecs: {
    fields: ["attachments", "containerInstanceArn", "group", "tags"],
    read: (json) => ecs.taskLabels(json, scope),
  },
  oci: {
    fields: ["id", "privateIp", "ipv6Addresses", "freeformTags", "definedTags"],
    read: (json) => oci.instanceLabels(json, json, "t", 80),
  },
  nerve: { fields: ["host", "port", "name"], read: (json) => [zookeeper.nerveLabels(json, "/p")] },
  serverset: {
    fields: ["serviceEndpoint", "additionalEndpoints", "status", "shard"],
    read: (json) => [zookeeper.serversetLabels(json, "/p")],
  },
};

function expectLabels(sets: readonly object[]): void {
  for (const labels of sets) {
    for (const [name, value] of Object.entries(labels)) {
      expect(name).toMatch(/^[a-zA-Z_]/);
      expect(typeof value).toBe("string");
    }
  }
}

test.each(Object.entries(READERS))("property: any JSON is labels or a UserError: %s", (_name, { fields, read }) => {
  const value = fc.jsonValue({ maxDepth: 3 });
  const objects = fc.dictionary(fc.constantFrom(...fields), value, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.oneof(objects, value), (answer) => {
      try {
        expectLabels(read(new Json(answer)));
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }),
    { seed: 1, numRuns: 200 },
  );
});

test("property: any XML is labels or a UserError", () => {
  const names = [
    ...["instanceId", "privateIpAddress", "vpcId", "networkInterfaceSet", "item", "subnetId", "tagSet", "key", "value"],
    ...["attachment", "deviceIndex", "ipv6AddressesSet", "ipv6Address", "isPrimaryIpv6", "Endpoint", "Address", "Port"],
    ...["CacheNodes", "SecurityGroups", "TagList", "DBClusterMembers", "CreateTime"],
  ];
  const { element } = fc.letrec<{ element: string }>((tie) => ({
    element: fc
      .tuple(
        fc.constantFrom(...names),
        fc.oneof(
          { depthSize: "small" },
          fc.constantFrom("", "1", "true", "x"),
          fc.array(tie("element"), { maxLength: 4 }),
        ),
      )
      .map(([name, inner]) => `<${name}>${Array.isArray(inner) ? inner.join("") : inner}</${name}>`),
  }));
  fc.assert(
    fc.property(element, (text) => {
      const root = parseXml(`<root>${text}</root>`);
      try {
        expectLabels(ec2.instanceLabels(root, "o", { region: "r", port: 80, zones: new Map() }));
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
      expectLabels([rds.instanceLabels(root, root, 80), elasticache.serverlessLabels(root, [root])]);
      expectLabels(elasticache.nodeLabels(root, [root]));
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("property: any list of addresses is addresses or a UserError", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string())), (list) => {
      try {
        expect(parseIpList(list).length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }),
    { seed: 1, numRuns: 200 },
  );
});
