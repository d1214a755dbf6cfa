import { type Collector, FamilySet, readText, readTrimmed } from "../collector.ts";

/** Pairs of lines, `Proto: names…` and `Proto: values…`. */
function parsePairs(text: string, file: string): [key: string, name: string, value: number][] {
  const lines = text.split("\n").filter((line) => line !== "");
  const out: [string, string, number][] = [];
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const names = lines[i].split(" ");
    const values = lines[i + 1].split(" ");
    const protocol = names[0].slice(0, -1);
    if (names.length !== values.length) throw new Error(`mismatch field count mismatch in ${file}: ${protocol}`);
    for (let j = 1; j < names.length; j++) {
      out.push([`${protocol}_${names[j]}`, `${protocol}${names[j]}`, Number(values[j])]);
    }
  }
  return out;
}

/** Lines such as `Ip6InReceives 7`: the protocol ends with the 6. */
function parseSnmp6(text: string): [key: string, name: string, value: number][] {
  return text.split("\n").flatMap((line): [string, string, number][] => {
    const match = /^([^6\s]*6)(\S*)\s+(\S+)/.exec(line);
    return match ? [[`${match[1]}_${match[2]}`, `${match[1]}${match[2]}`, Number(match[3])]] : [];
  });
}

export const netstat: Collector = {
  name: "netstat",
  flags: {
    "collector.netstat.fields": {
      type: "string",
      default:
        "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$",
      pattern: true,
      help: "Regexp of fields to return for netstat collector.",
    },
  },
  collect({ paths, patterns }) {
    const fields = patterns["collector.netstat.fields"];
    const entries = [
      ...parsePairs(readText(paths.procfs, "net/netstat"), "net/netstat"),
      ...parsePairs(readText(paths.procfs, "net/snmp"), "net/snmp"),
      // Missing where IPv6 is switched off.
      ...parseSnmp6(readTrimmed(paths.procfs, "net/snmp6") ?? ""),
    ];
    const out = new FamilySet();
    for (const [key, name, value] of entries) {
      if (fields && !fields.matches(key)) continue;
      out.untyped(`node_netstat_${key}`, `Statistic ${name}.`, value);
    }
    return out.families;
  },
};
