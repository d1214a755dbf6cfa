/** Small answers of registries and clouds whose address can be configured, so that a real Prometheus asks for them too. */
import type { Answered } from "./serve.ts";

const json = (value: unknown, headers?: Record<string, string>) => ({ headers, body: JSON.stringify(value) });
const xml = (body: string) => ({ headers: { "content-type": "text/xml" }, body });
const AWS = "region: eu-west-1, access_key: AK, secret_key: SK, endpoint: '$URL'";

const rpc = (inner: string) =>
  xml(`<?xml version="1.0"?><methodResponse><params><param><value>${inner}</value></param></params></methodResponse>`);
const rpcStruct = (fields: Record<string, string>): string =>
  `<value><struct>${Object.entries(fields)
    .map(([name, inner]) => `<member><name>${name}</name><value>${inner}</value></member>`)
    .join("")}</struct></value>`;
const rpcArray = (inner: string): string => `<array><data>${inner}</data></array>`;

export const REGISTRIES: Answered[] = [
  {
    name: "marathon",
    yaml: "marathon_sd_configs: [{servers: ['$URL']}]",
    answer() {
      const tasks = [
        { id: "t1", host: "h1", ports: [31000, 31001], ipAddresses: [{ ipAddress: "10.1.0.1" }] },
        { id: "t2", host: "h2", ports: [31002, 31003] },
      ];
      const mapping = [
        { containerPort: 80, hostPort: 0, labels: { "p-1": "q" } },
        { containerPort: 81, hostPort: 5 },
      ];
      return json({
        apps: [
          {
            id: "/mapped",
            tasks,
            labels: { "a.b": "c" },
            container: { docker: { image: "i" }, portMappings: mapping },
          },
          { id: "/old", tasks, container: { docker: { portMappings: mapping } } },
          { id: "/net", tasks, container: { portMappings: mapping }, networks: [{ mode: "container" }] },
          {
            id: "/defined",
            tasks,
            portDefinitions: [{ port: 1, labels: { d: "e" } }, { port: 2 }],
            requirePorts: true,
          },
          { id: "/auto", tasks, portDefinitions: [{ port: 1 }, { port: 2 }] },
          { id: "/bare", tasks },
          { id: "/none", tasks: [] },
        ],
      });
    },
  },
  {
    name: "eureka",
    yaml: "eureka_sd_configs: [{server: '$URL/eureka'}]",
    answer: () =>
      xml(`<applications><application><name>WEB</name><instance>
        <instanceId>i1</instanceId><hostName>h</hostName><app>WEB</app><ipAddr>10.0.0.1</ipAddr><status>UP</status>
        <port enabled="true">8080</port><securePort enabled="false">443</securePort><countryId>1</countryId>
        <dataCenterInfo class="c"><name>MyOwn</name><metadata><zone>a&amp;b</zone></metadata></dataCenterInfo>
        <metadata><prometheus.port>9090</prometheus.port><empty/></metadata><homePageUrl>http://h/?a=1&amp;b=2</homePageUrl>
      </instance><instance><hostName>bare</hostName></instance></application></applications>`),
  },
  {
    name: "uyuni",
    yaml: "uyuni_sd_configs: [{server: '$URL', username: u, password: p}]",
    answer(_request, _path, body) {
      if (body.includes("auth.login")) return rpc("token");
      if (body.includes("listSystemGroups")) {
        const groups = rpcArray(
          rpcStruct({ id: "<int>1</int>", name: "g1" }) + rpcStruct({ id: "<int>2</int>", name: "g2" }),
        );
        return rpc(rpcArray(rpcStruct({ id: "<int>1000</int>", system_groups: groups })));
      }
      if (body.includes("listEndpoints")) {
        return rpc(
          rpcArray(
            rpcStruct({
              system_id: "<int>1000</int>",
              endpoint_name: "e",
              port: "<int>9100</int>",
              path: "/metrics",
              module: "m",
              exporter_name: "node",
              tls_enabled: "<boolean>1</boolean>",
            }),
          ),
        );
      }
      const fields = { system_id: "<int>1000</int>", hostname: "h", primary_fqdn: "h.example", ip: "10.0.0.1" };
      return rpc(rpcArray(rpcStruct(fields)));
    },
  },
  {
    name: "ec2",
    yaml: `ec2_sd_configs: [{${AWS}}]`,
    answer: (_request, _path, body) =>
      xml(
        body.includes("DescribeAvailabilityZones")
          ? "<DescribeAvailabilityZonesResponse><availabilityZoneInfo><item><zoneName>eu-west-1a</zoneName><zoneId>euw1-az3</zoneId></item></availabilityZoneInfo></DescribeAvailabilityZonesResponse>"
          : `<DescribeInstancesResponse><reservationSet><item><ownerId>42</ownerId><instancesSet>
              <item><instanceId>i-1</instanceId><imageId>ami</imageId><instanceState><code>16</code><name>running</name></instanceState>
                <privateDnsName>ip-1</privateDnsName><dnsName>ec2-1</dnsName><instanceType>t3.micro</instanceType>
                <placement><availabilityZone>eu-west-1a</availabilityZone></placement><platform>windows</platform>
                <subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><privateIpAddress>10.0.0.1</privateIpAddress><ipAddress>1.2.3.4</ipAddress>
                <architecture>x86_64</architecture><instanceLifecycle>spot</instanceLifecycle>
                <tagSet><item><key>Name of it</key><value>web</value></item></tagSet>
                <networkInterfaceSet>
                  <item><subnetId>subnet-1</subnetId><attachment><deviceIndex>0</deviceIndex></attachment>
                    <ipv6AddressesSet><item><ipv6Address>fd00::1</ipv6Address><isPrimaryIpv6>false</isPrimaryIpv6></item></ipv6AddressesSet></item>
                  <item><subnetId>subnet-2</subnetId><attachment><deviceIndex>1</deviceIndex></attachment>
                    <ipv6AddressesSet><item><ipv6Address>fd00::2</ipv6Address><isPrimaryIpv6>true</isPrimaryIpv6></item></ipv6AddressesSet></item>
                </networkInterfaceSet></item>
              <item><instanceId>i-2</instanceId><imageId>ami</imageId><instanceState><code>80</code><name>stopped</name></instanceState>
                <privateDnsName/><dnsName/><instanceType>t3.micro</instanceType><placement><availabilityZone>eu-west-1z</availabilityZone></placement>
                <privateIpAddress>10.0.0.2</privateIpAddress></item>
              <item><instanceId>i-3</instanceId><imageId>ami</imageId><instanceState><code>48</code><name>terminated</name></instanceState></item>
            </instancesSet></item></reservationSet></DescribeInstancesResponse>`,
      ),
  },
  {
    name: "lightsail",
    yaml: `lightsail_sd_configs: [{${AWS}}]`,
    answer: () =>
      json({
        instances: [
          {
            name: "n",
            privateIpAddress: "10.0.0.1",
            publicIpAddress: "1.2.3.4",
            ipv6Addresses: ["fd00::1", "fd00::2"],
            location: { availabilityZone: "a" },
            blueprintId: "b",
            bundleId: "c",
            state: { code: 16, name: "running" },
            supportCode: "s",
            tags: [{ key: "k 1", value: "v" }],
          },
        ],
      }),
  },
];
