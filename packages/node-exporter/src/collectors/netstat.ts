import { type Collector, FamilySet, readText, readTrimmed } from "../collector.ts";

type Add = (protocol: string, name: string, value: string) => void;

/** Pairs of lines, `Proto: names…` and `Proto: values…`. */
function parsePairs(text: string, file: string, add: Add): void {
  const lines = text.split("\n").filter((line) => line !== "");
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const names = lines[i].split(" ");
    const values = lines[i + 1].split(" ");
    const protocol = names[0].slice(0, -1);
    if (names.length !== values.length) throw new Error(`mismatch field count mismatch in ${file}: ${protocol}`);
    for (let j = 1; j < names.length; j++) add(protocol, names[j], values[j]);
  }
}

/** Lines such as `Ip6InReceives 7`: the protocol ends with the 6. */
function parseSnmp6(text: string, add: Add): void {
  for (const line of text.split("\n")) {
    const six = line.indexOf("6") + 1;
    const space = line.search(/\s/);
    if (six > 0 && space >= six) add(line.slice(0, six), line.slice(six, space), line.slice(space).trim());
  }
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
    const out = new FamilySet();
    const add: Add = (protocol, name, value) => {
      const key = `${protocol}_${name}`;
      if (fields && !fields.matches(key)) return;
      if (value === "" || Number.isNaN(Number(value))) throw new Error(`not a number: ${key} ${JSON.stringify(value)}`);
      out.untyped(`node_netstat_${key}`, `Statistic ${protocol}${name}.`, Number(value));
    };
    parsePairs(readText(paths.procfs, "net/netstat"), "net/netstat", add);
    parsePairs(readText(paths.procfs, "net/snmp"), "net/snmp", add);
    // Missing where IPv6 is switched off.
    parseSnmp6(readTrimmed(paths.procfs, "net/snmp6") ?? "", add);
    return out.families;
  },
};
