/** aws_sd_configs: one section for all of AWS' services, chosen by role. */
import { refreshMechanism } from "../../refresh.ts";
import { type AwsConfig, type AwsRole, awsPlace, openRole, parseCommon, parseFilters } from "./config.ts";
import { ec2Role } from "./ec2.ts";
import { ecsRole } from "./ecs.ts";
import { elasticacheRole } from "./elasticache.ts";
import { lightsailRole } from "./lightsail.ts";
import { mskRole } from "./msk.ts";
import { rdsRole } from "./rds.ts";

const ROLES: Readonly<Record<AwsRole["name"], AwsRole>> = {
  ec2: ec2Role,
  ecs: ecsRole,
  elasticache: elasticacheRole,
  lightsail: lightsailRole,
  msk: mskRole,
  rds: rdsRole,
};
const NAMES = Object.keys(ROLES) as AwsRole["name"][];

export const awsMechanism = refreshMechanism<AwsConfig & { role: AwsRole["name"] }>({
  name: "aws",
  type: "aws.plain",
  things: "instances, tasks, caches or nodes",
  parse(settings) {
    const role = settings.choice("role", NAMES, (given) => `unknown AWS SD role ${given}`);
    if (role === "") throw settings.fail('unknown AWS SD role ""', `Use one of ${NAMES.join(", ")}`);
    // All keys are taken whatever the role, as upstream has it: those of other roles say nothing.
    const filters = parseFilters(settings);
    const clusters = settings.texts("clusters");
    const common = parseCommon(settings);
    return {
      ...common,
      role,
      port: common.port || 80,
      filters: ROLES[role].filters ? filters : [],
      clusters: ROLES[role].clusters ? clusters : [],
      concurrency: ROLES[role].concurrency ?? 1,
    };
  },
  place: (config) => awsPlace(config.role, config),
  open: (config, session) => openRole(ROLES[config.role], config, session),
});
