import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseXml } from "../../api/xml.ts";
import { type Asked, eventually, findOnce, sectionsOf, testServer, watch } from "../../test-server.ts";
import { CLUSTER_FIELDS, INSTANCE_FIELDS } from "./rds-fields.ts";

beforeEach(() => vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true"));
afterEach(() => vi.unstubAllEnvs());

const KEYS = "region: eu-west-1, access_key: AK, secret_key: SK";
const action = ({ body }: Asked): string => new URLSearchParams(body).get("Action") ?? "";
const parameters = ({ body }: Asked): Record<string, string> => Object.fromEntries(new URLSearchParams(body));
const jsonAction = ({ headers }: Asked): string => String(headers["x-amz-target"]).split(".")[1];

const INSTANCE = `<item>
  <instanceId>i-1</instanceId><imageId>ami</imageId><instanceState><code>16</code><name>running</name></instanceState>
  <privateDnsName>ip-10-0-0-1</privateDnsName><dnsName>ec2-1</dnsName><instanceType>t3.micro</instanceType>
  <placement><availabilityZone>eu-west-1a</availabilityZone></placement><platform>windows</platform>
  <subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><privateIpAddress>10.0.0.1</privateIpAddress>
  <ipAddress>1.2.3.4</ipAddress><architecture>x86_64</architecture><instanceLifecycle>spot</instanceLifecycle>
  <tagSet><item><key>Name of it</key><value>web</value></item></tagSet>
  <networkInterfaceSet>
    <item><subnetId>subnet-1</subnetId><attachment><deviceIndex>0</deviceIndex></attachment>
      <ipv6AddressesSet><item><ipv6Address>fd00::1</ipv6Address><isPrimaryIpv6>false</isPrimaryIpv6></item></ipv6AddressesSet></item>
    <item><subnetId>subnet-2</subnetId><attachment><deviceIndex>1</deviceIndex></attachment>
      <ipv6AddressesSet><item><ipv6Address>fd00::2</ipv6Address><isPrimaryIpv6>true</isPrimaryIpv6></item></ipv6AddressesSet></item>
    <item><subnetId>subnet-1</subnetId><attachment><deviceIndex>2</deviceIndex></attachment></item>
  </networkInterfaceSet>
</item>`;

describe("EC2", () => {
  const ec2 = () =>
    testServer((asked) => {
      if (action(asked) === "DescribeAvailabilityZones") {
        return "<R><availabilityZoneInfo><item><zoneName>eu-west-1a</zoneName><zoneId>euw1-az3</zoneId></item></availabilityZoneInfo></R>";
      }
      return parameters(asked).NextToken === undefined
        ? "<R><reservationSet/><nextToken>more</nextToken></R>"
        : `<R><reservationSet><item><ownerId>42</ownerId><instancesSet>${INSTANCE}<item><instanceId>terminated</instanceId></item></instancesSet></item></reservationSet></R>`;
    });
  const labels = {
    __address__: "10.0.0.1:80",
    __meta_ec2_instance_id: "i-1",
    __meta_ec2_region: "eu-west-1",
    __meta_ec2_owner_id: "42",
    __meta_ec2_default_ipv6_address: "fd00::2",
    __meta_ec2_private_ip: "10.0.0.1",
    __meta_ec2_private_dns_name: "ip-10-0-0-1",
    __meta_ec2_platform: "windows",
    __meta_ec2_public_ip: "1.2.3.4",
    __meta_ec2_public_dns_name: "ec2-1",
    __meta_ec2_primary_ipv6_addresses: ",,fd00::2,",
    __meta_ec2_ipv6_addresses: ",fd00::1,fd00::2,",
    __meta_ec2_ami: "ami",
    __meta_ec2_availability_zone: "eu-west-1a",
    __meta_ec2_availability_zone_id: "euw1-az3",
    __meta_ec2_instance_state: "running",
    __meta_ec2_instance_type: "t3.micro",
    __meta_ec2_instance_lifecycle: "spot",
    __meta_ec2_architecture: "x86_64",
    __meta_ec2_vpc_id: "vpc-1",
    __meta_ec2_primary_subnet_id: "subnet-1",
    __meta_ec2_subnet_id: ",subnet-1,subnet-2,",
    __meta_ec2_tag_Name_of_it: "web",
  };

  test("instances page by page, with filters, signed", async () => {
    await using server = await ec2();
    const filters = "filters: [{name: 'tag:a', values: [b, c]}, {name: d, values: [e]}]";
    expect(await findOnce(`ec2_sd_configs: [{${KEYS}, endpoint: '${server.url}', ${filters}}]`)).toEqual([labels]);
    expect(parameters(server.asked[1])).toEqual({
      Action: "DescribeInstances",
      Version: "2016-11-15",
      "Filter.1.Name": "tag:a",
      "Filter.1.Value.1": "b",
      "Filter.1.Value.2": "c",
      "Filter.2.Name": "d",
      "Filter.2.Value.1": "e",
    });
    expect(server.asked[1].headers.authorization).toContain("Credential=AK/");
    expect(server.asked[1].headers.authorization).toContain("/eu-west-1/ec2/aws4_request");
  });

  test("aws_sd_configs with that role finds the same", async () => {
    await using server = await ec2();
    expect(await findOnce(`aws_sd_configs: [{role: ec2, ${KEYS}, endpoint: '${server.url}'}]`)).toEqual([labels]);
  });

  test("a refusal is told in AWS' words; without a region none is asked", async () => {
    await using server = await testServer(() => ({
      status: 401,
      body: "<Response><Errors><Error><Code>AuthFailure</Code><Message>not you</Message></Error></Errors></Response>",
    }));
    await expect(findOnce(`ec2_sd_configs: [{${KEYS}, endpoint: '${server.url}'}]`)).rejects.toThrow(
      "DescribeInstances fails: HTTP status 401: AuthFailure: not you",
    );
    for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION"]) vi.stubEnv(name, "");
    vi.stubEnv("AWS_CONFIG_FILE", "/nowhere");
    await expect(findOnce("ec2_sd_configs: [{access_key: a, secret_key: b}]")).rejects.toThrow(
      "could not determine AWS region",
    );
  });
});

test("Lightsail", async () => {
  await using server = await testServer(({ body }) =>
    body === "{}"
      ? { instances: [{ name: "no address" }], nextPageToken: "p" }
      : {
          instances: [
            {
              name: "n",
              privateIpAddress: "10.0.0.1",
              publicIpAddress: "1.2.3.4",
              ipv6Addresses: ["fd00::1"],
              location: { availabilityZone: "a" },
              blueprintId: "b",
              bundleId: "c",
              state: { code: 16, name: "running" },
              supportCode: "s",
              tags: [{ key: "k 1", value: "v" }, { key: "key only" }],
            },
          ],
        },
  );
  expect(await findOnce(`lightsail_sd_configs: [{${KEYS}, endpoint: '${server.url}', port: 9100}]`)).toEqual([
    {
      __address__: "10.0.0.1:9100",
      __meta_lightsail_private_ip: "10.0.0.1",
      __meta_lightsail_public_ip: "1.2.3.4",
      __meta_lightsail_ipv6_addresses: ",fd00::1,",
      __meta_lightsail_region: "eu-west-1",
      __meta_lightsail_availability_zone: "a",
      __meta_lightsail_blueprint_id: "b",
      __meta_lightsail_bundle_id: "c",
      __meta_lightsail_instance_name: "n",
      __meta_lightsail_instance_state: "running",
      __meta_lightsail_instance_support_code: "s",
      __meta_lightsail_tag_k_1: "v",
    },
  ]);
  expect(server.asked[0].headers["x-amz-target"]).toBe("Lightsail_20161128.GetInstances");
});

test("MSK: a target for each endpoint of brokers and controllers", async () => {
  const arn = "arn:aws:kafka:eu-west-1:1:cluster/c/u";
  await using server = await testServer(({ path, query }) => {
    if (path === "/api/v2/clusters") {
      const cluster = {
        clusterArn: arn,
        clusterName: "c",
        clusterType: "PROVISIONED",
        currentVersion: "K1",
        state: "ACTIVE",
        tags: { "a b": "c" },
        provisioned: {
          currentBrokerSoftwareInfo: { kafkaVersion: "3.6.0", configurationArn: "conf", configurationRevision: 2 },
          openMonitoring: {
            prometheus: { jmxExporter: { enabledInBroker: true }, nodeExporter: { enabledInBroker: false } },
          },
        },
      };
      return query.has("nextToken") ? { clusterInfoList: [cluster] } : { clusterInfoList: [], nextToken: "t" };
    }
    return {
      nodeInfoList: [
        {
          nodeARN: "n1",
          addedToClusterTime: "2024-01-01T00:00:00Z",
          instanceType: "m5",
          brokerNodeInfo: {
            brokerId: 1.0,
            attachedENIId: "eni",
            clientSubnet: "sub",
            clientVpcIpAddress: "10.0.0.1",
            endpoints: ["b-1", "b-1-alt"],
          },
        },
        { nodeARN: "n2", controllerNodeInfo: { endpoints: ["c-1"] } },
        { nodeARN: "n3" },
      ],
    };
  });
  const targets = await findOnce(`msk_sd_configs: [{${KEYS}, endpoint: '${server.url}', port: 11001}]`);
  const cluster = {
    __meta_msk_cluster_name: "c",
    __meta_msk_cluster_arn: arn,
    __meta_msk_cluster_state: "ACTIVE",
    __meta_msk_cluster_type: "PROVISIONED",
    __meta_msk_cluster_version: "K1",
    __meta_msk_cluster_kafka_version: "3.6.0",
    __meta_msk_cluster_configuration_arn: "conf",
    __meta_msk_cluster_configuration_revision: "2",
    __meta_msk_cluster_jmx_exporter_enabled: "true",
    __meta_msk_cluster_tag_a_b: "c",
  };
  const broker = {
    ...cluster,
    __meta_msk_node_arn: "n1",
    __meta_msk_node_added_time: "2024-01-01T00:00:00Z",
    __meta_msk_node_instance_type: "m5",
    __meta_msk_node_type: "BROKER",
    __meta_msk_node_attached_eni: "eni",
    __meta_msk_broker_id: "1",
    __meta_msk_broker_client_subnet: "sub",
    __meta_msk_broker_client_vpc_ip: "10.0.0.1",
    __meta_msk_broker_node_exporter_enabled: "false",
  };
  expect(targets).toEqual([
    { ...broker, __address__: "b-1-alt:11001", __meta_msk_broker_endpoint_index: "1" },
    { ...broker, __address__: "b-1:11001", __meta_msk_broker_endpoint_index: "0" },
    {
      ...cluster,
      __address__: "c-1:11001",
      __meta_msk_node_arn: "n2",
      __meta_msk_node_added_time: "",
      __meta_msk_node_instance_type: "",
      __meta_msk_node_type: "CONTROLLER",
      __meta_msk_controller_endpoint_index: "0",
    },
  ]);
  expect(server.asked[2].path).toBe("/v1/clusters/arn%3Aaws%3Akafka%3Aeu-west-1%3A1%3Acluster%2Fc%2Fu/nodes");
  expect(server.asked[2].headers.authorization).toContain("/kafka/aws4_request");
});

describe("RDS", () => {
  test("instances of clusters, with both's labels", async () => {
    await using server = await testServer((asked) => {
      if (action(asked) === "DescribeDBClusters") {
        return `<r><DescribeDBClustersResult><DBClusters><DBCluster>
          <DBClusterArn>arn:c</DBClusterArn><DBClusterIdentifier>c</DBClusterIdentifier><Engine>aurora-mysql</Engine>
          <MultiAZ>true</MultiAZ><ClusterCreateTime>2024-01-02T03:04:05.678Z</ClusterCreateTime>
          <DBClusterMembers><DBClusterMember><DBInstanceIdentifier>i</DBInstanceIdentifier><IsClusterWriter>true</IsClusterWriter></DBClusterMember></DBClusterMembers>
          <TagList><Tag><Key>a b</Key><Value>c</Value></Tag></TagList>
        </DBCluster></DBClusters></DescribeDBClustersResult></r>`;
      }
      return `<r><DescribeDBInstancesResult><DBInstances><DBInstance>
        <DBInstanceIdentifier>i</DBInstanceIdentifier><DBInstanceClass>db.r5</DBInstanceClass>
        <Endpoint><Address>i.rds</Address><Port>3306</Port><HostedZoneId>Z</HostedZoneId></Endpoint>
        <DBSubnetGroup><DBSubnetGroupName>sg</DBSubnetGroupName></DBSubnetGroup>
        <TagList><Tag><Key>d</Key><Value>e</Value></Tag></TagList>
      </DBInstance></DBInstances></DescribeDBInstancesResult></r>`;
    });
    const more = "port: 9104, filters: [{name: engine, values: [x]}]";
    expect(await findOnce(`rds_sd_configs: [{${KEYS}, endpoint: '${server.url}', ${more}}]`)).toEqual([
      {
        __address__: "i.rds:9104",
        __meta_rds_cluster_arn: "arn:c",
        __meta_rds_cluster_identifier: "c",
        __meta_rds_cluster_engine: "aurora-mysql",
        __meta_rds_cluster_multi_az: "true",
        __meta_rds_cluster_cluster_create_time: "2024-01-02T03:04:05Z",
        __meta_rds_cluster_tag_a_b: "c",
        __meta_rds_instance_identifier: "i",
        __meta_rds_instance_class: "db.r5",
        __meta_rds_instance_endpoint_address: "i.rds",
        __meta_rds_instance_endpoint_port: "3306",
        __meta_rds_instance_endpoint_hosted_zone_id: "Z",
        __meta_rds_instance_subnet_group: "sg",
        __meta_rds_instance_is_cluster_writer: "true",
        __meta_rds_instance_tag_d: "e",
      },
    ]);
    expect(parameters(server.asked[1])).toMatchObject({
      Action: "DescribeDBInstances",
      "Filters.Filter.1.Name": "db-cluster-id",
      "Filters.Filter.1.Values.Value.1": "arn:c",
      "Filters.Filter.2.Name": "engine",
      "Filters.Filter.2.Values.Value.1": "x",
    });
  });

  test("no label twice in its tables", () => {
    for (const fields of [CLUSTER_FIELDS, INSTANCE_FIELDS]) {
      expect(new Set(fields.map(({ label }) => label)).size).toBe(fields.length);
    }
  });
});

test("ElastiCache: nodes of clusters, serverless caches, tags of both", async () => {
  await using server = await testServer((asked) => {
    switch (action(asked)) {
      case "DescribeServerlessCaches":
        return `<r><DescribeServerlessCachesResult><ServerlessCaches><member>
          <ARN>arn:s</ARN><ServerlessCacheName>s</ServerlessCacheName><Status>available</Status>
          <Endpoint><Address>s.cache</Address><Port>6379</Port></Endpoint>
          <SecurityGroupIds><SecurityGroupId>sg-0</SecurityGroupId></SecurityGroupIds><SubnetIds><SubnetId>sn-0</SubnetId><SubnetId>sn-1</SubnetId></SubnetIds>
          <CacheUsageLimits><DataStorage><Maximum>10</Maximum><Unit>GB</Unit></DataStorage></CacheUsageLimits>
        </member></ServerlessCaches></DescribeServerlessCachesResult></r>`;
      case "DescribeCacheClusters":
        return `<r><DescribeCacheClustersResult><CacheClusters><CacheCluster>
          <ARN>arn:c</ARN><CacheClusterId>c</CacheClusterId><Engine>redis</Engine>
          <PendingModifiedValues><CacheNodeIdsToRemove><CacheNodeId>1</CacheNodeId><CacheNodeId>2</CacheNodeId></CacheNodeIdsToRemove></PendingModifiedValues>
          <SecurityGroups><member><SecurityGroupId>sg</SecurityGroupId><Status>active</Status></member></SecurityGroups>
          <LogDeliveryConfigurations><LogDeliveryConfiguration><LogType>slow-log</LogType><DestinationDetails><CloudWatchLogsDetails><LogGroup>lg</LogGroup></CloudWatchLogsDetails></DestinationDetails></LogDeliveryConfiguration></LogDeliveryConfigurations>
          <CacheNodes><CacheNode><CacheNodeId>0001</CacheNodeId><CacheNodeCreateTime>2024-01-02T03:04:05.6Z</CacheNodeCreateTime><Endpoint><Address>c.cache</Address><Port>6380</Port></Endpoint></CacheNode></CacheNodes>
        </CacheCluster></CacheClusters></DescribeCacheClustersResult></r>`;
      default:
        return `<r><ListTagsForResourceResult><TagList><Tag><Key>of</Key><Value>${parameters(asked).ResourceName}</Value></Tag></TagList></ListTagsForResourceResult></r>`;
    }
  });
  expect(await findOnce(`elasticache_sd_configs: [{${KEYS}, endpoint: '${server.url}'}]`)).toEqual([
    {
      __address__: "c.cache:6380",
      __meta_elasticache_deployment_option: "node",
      __meta_elasticache_cache_cluster_arn: "arn:c",
      __meta_elasticache_cache_cluster_cache_cluster_id: "c",
      __meta_elasticache_cache_cluster_engine: "redis",
      __meta_elasticache_cache_cluster_pending_modified_values_cache_node_ids_to_remove: "1,2",
      __meta_elasticache_cache_cluster_security_group_membership_id_0: "sg",
      __meta_elasticache_cache_cluster_security_group_membership_status_0: "active",
      __meta_elasticache_cache_cluster_log_delivery_configuration_log_type_0: "slow-log",
      __meta_elasticache_cache_cluster_log_delivery_configuration_log_group_0: "lg",
      __meta_elasticache_cache_cluster_tag_of: "arn:c",
      __meta_elasticache_cache_cluster_node_id: "0001",
      __meta_elasticache_cache_cluster_node_create_time: "2024-01-02T03:04:05Z",
      __meta_elasticache_cache_cluster_node_endpoint_address: "c.cache",
      __meta_elasticache_cache_cluster_node_endpoint_port: "6380",
    },
    {
      __address__: "s.cache:6379",
      __meta_elasticache_deployment_option: "serverless",
      __meta_elasticache_serverless_cache_arn: "arn:s",
      __meta_elasticache_serverless_cache_name: "s",
      __meta_elasticache_serverless_cache_status: "available",
      __meta_elasticache_serverless_cache_endpoint_address: "s.cache",
      __meta_elasticache_serverless_cache_endpoint_port: "6379",
      __meta_elasticache_serverless_cache_security_group_id_0: "sg-0",
      __meta_elasticache_serverless_cache_subnet_id_0: "sn-0",
      __meta_elasticache_serverless_cache_subnet_id_1: "sn-1",
      __meta_elasticache_serverless_cache_cache_usage_limit_data_storagemaximum: "10",
      __meta_elasticache_serverless_cache_cache_usage_limit_data_storageunit: "GB",
      __meta_elasticache_serverless_cache_tag_of: "arn:s",
    },
  ]);
});

describe("ECS", () => {
  const cluster = "arn:cluster";
  /** ECS and EC2 behind one address. */
  const ecs = () =>
    testServer((asked) => {
      if (asked.headers["x-amz-target"] === undefined) {
        return action(asked) === "DescribeInstances"
          ? `<R><reservationSet><item><instancesSet>${INSTANCE}</instancesSet></item></reservationSet></R>`
          : "<R><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><association><publicIp>5.6.7.8</publicIp></association></item></networkInterfaceSet></R>";
      }
      switch (jsonAction(asked)) {
        case "ListClusters":
          return { clusterArns: [cluster] };
        case "DescribeClusters":
          return { clusters: [{ clusterArn: cluster, clusterName: "main", tags: [{ key: "c t", value: "1" }] }] };
        case "ListServices":
          return { serviceArns: ["arn:service"] };
        case "DescribeServices":
          return {
            services: [
              { serviceArn: "arn:service", serviceName: "web", status: "ACTIVE", tags: [{ key: "s", value: "2" }] },
            ],
          };
        case "ListTasks":
          return asked.body.includes("more")
            ? { taskArns: ["arn:bridge", "arn:nowhere"] }
            : { taskArns: ["arn:vpc"], nextToken: "more" };
        case "DescribeContainerInstances":
          return { containerInstances: [{ containerInstanceArn: "arn:ci", ec2InstanceId: "i-1" }] };
        default:
          return {
            tasks: [
              {
                taskArn: "arn:vpc",
                group: "service:web",
                launchType: "FARGATE",
                healthStatus: "HEALTHY",
                desiredStatus: "RUNNING",
                lastStatus: "RUNNING",
                taskDefinitionArn: "arn:def",
                availabilityZone: "a",
                platformFamily: "Linux",
                platformVersion: "1.4.0",
                tags: [{ key: "t", value: "3" }],
                attachments: [
                  {
                    type: "ElasticNetworkInterface",
                    details: [
                      { name: "privateIPv4Address", value: "10.0.1.1" },
                      { name: "subnetId", value: "subnet-9" },
                      { name: "networkInterfaceId", value: "eni-1" },
                      { name: "no value" },
                    ],
                  },
                ],
              },
              { taskArn: "arn:bridge", group: "family:x", launchType: "EC2", containerInstanceArn: "arn:ci" },
              { taskArn: "arn:nowhere" },
            ],
          };
      }
    });

  test("tasks with an interface of their own, and tasks on a machine", async () => {
    await using server = await ecs();
    vi.stubEnv("AWS_ENDPOINT_URL_EC2", server.url);
    const common = {
      __meta_ecs_region: "eu-west-1",
      __meta_ecs_cluster: "main",
      __meta_ecs_cluster_arn: cluster,
      __meta_ecs_tag_cluster_c_t: "1",
    };
    expect(await findOnce(`ecs_sd_configs: [{${KEYS}, endpoint: '${server.url}'}]`)).toEqual([
      {
        ...common,
        __address__: "10.0.0.1:80",
        __meta_ecs_ip_address: "10.0.0.1",
        __meta_ecs_launch_type: "EC2",
        __meta_ecs_health_status: "",
        __meta_ecs_network_mode: "bridge",
        __meta_ecs_task_group: "family:x",
        __meta_ecs_task_arn: "arn:bridge",
        __meta_ecs_subnet_id: "subnet-1",
        __meta_ecs_container_instance_arn: "arn:ci",
        __meta_ecs_ec2_instance_id: "i-1",
        __meta_ecs_ec2_instance_type: "t3.micro",
        __meta_ecs_ec2_instance_private_ip: "10.0.0.1",
        __meta_ecs_ec2_instance_public_ip: "1.2.3.4",
        __meta_ecs_public_ip: "1.2.3.4",
        __meta_ecs_tag_ec2_Name_of_it: "web",
      },
      {
        ...common,
        __address__: "10.0.1.1:80",
        __meta_ecs_ip_address: "10.0.1.1",
        __meta_ecs_launch_type: "FARGATE",
        __meta_ecs_health_status: "HEALTHY",
        __meta_ecs_network_mode: "awsvpc",
        __meta_ecs_task_group: "service:web",
        __meta_ecs_task_arn: "arn:vpc",
        __meta_ecs_task_definition: "arn:def",
        __meta_ecs_availability_zone: "a",
        __meta_ecs_desired_status: "RUNNING",
        __meta_ecs_last_status: "RUNNING",
        __meta_ecs_subnet_id: "subnet-9",
        __meta_ecs_public_ip: "5.6.7.8",
        __meta_ecs_platform_family: "Linux",
        __meta_ecs_platform_version: "1.4.0",
        __meta_ecs_service: "web",
        __meta_ecs_service_arn: "arn:service",
        __meta_ecs_service_status: "ACTIVE",
        __meta_ecs_tag_service_s: "2",
        __meta_ecs_tag_task_t: "3",
      },
    ]);
  });

  test("what one call of many refuses is told in AWS' words", async () => {
    await using server = await testServer((asked) =>
      jsonAction(asked) === "ListClusters"
        ? { clusterArns: [cluster] }
        : { status: 400, body: '{"__type":"com.amazonaws#ThrottlingException","message":"slower"}' },
    );
    await using watched = watch(sectionsOf(`ecs_sd_configs: [{${KEYS}, endpoint: '${server.url}'}]`));
    await eventually(() =>
      expect(watched.reason()).toContain("DescribeClusters fails: HTTP status 400: ThrottlingException: slower"),
    );
  });
});

test("the recorded instance is XML as EC2 answers it", () => {
  expect(parseXml(INSTANCE).text("instanceId")).toBe("i-1");
});
