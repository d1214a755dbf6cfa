/**
 * What kubectl must be able to do, as data: commands in order, on one server, each with what it must print. Values are
 * what a real 1.36 cluster answers; a difference is a bug of the embedded server.
 */
export interface KubectlCase {
  name: string;
  args: readonly string[];
  stdin?: string;
  /** Exit status; 0 when absent. */
  exit?: number;
  /** Whole text, or a pattern. */
  stdout?: string | RegExp;
  stderr?: string | RegExp;
}

const rule = (expr: string, extra = ""): string => `apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: app
  labels: {team: a}
spec:
  groups:
    - name: app
      rules:
        - alert: Down
          expr: ${expr}
${extra}`;

const configMap = (data: string): string => `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
${data}`;

const service = (ports: string): string => `apiVersion: v1
kind: Service
metadata:
  name: web
  labels: {app: web}
spec:
  selector: {app: web}
  ports:
${ports}`;

export const KUBECTL_CASES: readonly KubectlCase[] = [
  { name: "version", args: ["version", "-o", "json"], stdout: /"serverVersion"/ },
  { name: "api-resources", args: ["api-resources"], stdout: /servicemonitors +smon +monitoring\.coreos\.com\/v1 +true +ServiceMonitor/ },
  { name: "api-versions", args: ["api-versions"], stdout: /monitoring\.coreos\.com\/v1alpha1/ },
  { name: "explain a custom resource", args: ["explain", "servicemonitor.spec.endpoints.interval"], stdout: /FIELD: interval <string>/ },
  { name: "explain a built-in", args: ["explain", "svc.spec.ports.targetPort"], stdout: /FIELD: targetPort <IntOrString>/ },
  { name: "auth can-i", args: ["auth", "can-i", "create", "prometheusrules"], stdout: "yes\n" },
  { name: "wait for a bundled CRD", args: ["wait", "--for=condition=Established", "crd/prometheusrules.monitoring.coreos.com"], stdout: /condition met/ },

  { name: "create namespace", args: ["create", "namespace", "t"], stdout: "namespace/t created\n" },
  { name: "create namespace again", args: ["create", "namespace", "t"], exit: 1, stderr: 'Error from server (AlreadyExists): namespaces "t" already exists\n' },
  { name: "get namespaces", args: ["get", "ns", "t"], stdout: /^NAME +STATUS +AGE\nt +Active +\d+s\n$/ },
  { name: "create in a missing namespace", args: ["-n", "nowhere", "create", "configmap", "a"], exit: 1, stderr: 'error: failed to create configmap: namespaces "nowhere" not found\n' },
  { name: "create configmap", args: ["-n", "t", "create", "configmap", "made", "--from-literal=a=1"], stdout: "configmap/made created\n" },
  { name: "create secret", args: ["-n", "t", "create", "secret", "generic", "pass", "--from-literal=k=v"], stdout: "secret/pass created\n" },
  { name: "secrets as a table", args: ["-n", "t", "get", "secret", "pass"], stdout: /^NAME +TYPE +DATA +AGE\npass +Opaque +1 +\d+s\n$/ },
  { name: "create serviceaccount", args: ["-n", "t", "create", "sa", "robot"], stdout: "serviceaccount/robot created\n" },
  { name: "create deployment", args: ["-n", "t", "create", "deployment", "web", "--image=web:1"], stdout: "deployment.apps/web created\n" },
  { name: "deployments as a table", args: ["-n", "t", "get", "deploy", "web"], stdout: /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/1 +0 +0 +\d+s\n$/ },
  { name: "scale", args: ["-n", "t", "scale", "deployment/web", "--replicas=3"], stdout: "deployment.apps/web scaled\n" },
  { name: "scaled", args: ["-n", "t", "get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"], stdout: "3" },
  { name: "set image", args: ["-n", "t", "set", "image", "deployment/web", "web=web:2"], stdout: "deployment.apps/web image updated\n" },
  { name: "run", args: ["-n", "t", "run", "one", "--image=busy:1", "--port=8080", "--env=A=b"], stdout: "pod/one created\n" },
  { name: "pods as a table", args: ["-n", "t", "get", "pod", "one"], stdout: /^NAME +READY +STATUS +RESTARTS +AGE\none +0\/1 +Pending +0 +\d+s\n$/ },
  { name: "expose", args: ["-n", "t", "expose", "pod", "one", "--port=80", "--target-port=http"], stdout: "service/one exposed\n" },
  { name: "exposed", args: ["-n", "t", "get", "svc", "one", "-o", "jsonpath={.spec.ports[0].targetPort}"], stdout: "http" },
  { name: "create job", args: ["-n", "t", "create", "job", "once", "--image=busy:1", "--", "sh", "-c", "true"], stdout: "job.batch/once created\n" },
  { name: "job command", args: ["-n", "t", "get", "job", "once", "-o", "jsonpath={.spec.template.spec.containers[0].command}"], stdout: '["sh","-c","true"]' },
  { name: "create cronjob", args: ["-n", "t", "create", "cronjob", "often", "--image=busy:1", "--schedule=* * * * *"], stdout: "cronjob.batch/often created\n" },
  { name: "create role", args: ["-n", "t", "create", "role", "reader", "--verb=get,list", "--resource=pods"], stdout: "role.rbac.authorization.k8s.io/reader created\n" },
  { name: "role rules", args: ["-n", "t", "get", "role", "reader", "-o", "jsonpath={.rules}"], stdout: '[{"apiGroups":[""],"resources":["pods"],"verbs":["get","list"]}]' },
  { name: "create rolebinding", args: ["-n", "t", "create", "rolebinding", "readers", "--role=reader", "--serviceaccount=t:robot"], stdout: "rolebinding.rbac.authorization.k8s.io/readers created\n" },
  { name: "create clusterrole", args: ["create", "clusterrole", "t:reader", "--verb=get", "--resource=nodes"], stdout: "clusterrole.rbac.authorization.k8s.io/t:reader created\n" },
  { name: "create pdb", args: ["-n", "t", "create", "pdb", "web", "--selector=app=web", "--min-available=50%"], stdout: "poddisruptionbudget.policy/web created\n" },
  { name: "pdb", args: ["-n", "t", "get", "pdb", "web", "-o", "jsonpath={.spec.minAvailable}"], stdout: "50%" },
  { name: "get a missing object", args: ["-n", "t", "get", "cm", "none"], exit: 1, stderr: 'Error from server (NotFound): configmaps "none" not found\n' },
  { name: "get a missing custom resource", args: ["-n", "t", "get", "smon", "none"], exit: 1, stderr: 'Error from server (NotFound): servicemonitors.monitoring.coreos.com "none" not found\n' },
  { name: "get an empty list", args: ["-n", "t", "get", "smon"], stdout: "", stderr: "No resources found in t namespace.\n" },

  { name: "apply creates", args: ["-n", "t", "apply", "-f", "-"], stdin: configMap("  a: one\n  b: two\n"), stdout: "configmap/settings created\n" },
  { name: "apply unchanged", args: ["-n", "t", "apply", "-f", "-"], stdin: configMap("  a: one\n  b: two\n"), stdout: "configmap/settings unchanged\n" },
  { name: "apply removes what is left out", args: ["-n", "t", "apply", "-f", "-"], stdin: configMap("  a: changed\n"), stdout: "configmap/settings configured\n" },
  { name: "left out is gone", args: ["-n", "t", "get", "cm", "settings", "-o", "jsonpath={.data}"], stdout: '{"a":"changed"}' },
  { name: "diff shows a change", args: ["-n", "t", "diff", "-f", "-"], stdin: configMap("  a: other\n"), exit: 1, stdout: /\+ {2}a: other/ },
  { name: "apply with dry run", args: ["-n", "t", "apply", "--dry-run=server", "-f", "-"], stdin: configMap("  a: dry\n"), stdout: "configmap/settings configured (server dry run)\n" },
  { name: "dry run changes nothing", args: ["-n", "t", "get", "cm", "settings", "-o", "jsonpath={.data.a}"], stdout: "changed" },
  { name: "server-side apply conflicts", args: ["-n", "t", "apply", "--server-side", "--field-manager=other", "-f", "-"], stdin: configMap("  a: mine\n"), exit: 1, stderr: /conflict with "kubectl-client-side-apply" using v1: \.data\.a/ },
  { name: "server-side apply by force", args: ["-n", "t", "apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", "-"], stdin: configMap("  a: mine\n"), stdout: "configmap/settings serverside-applied\n" },
  { name: "conflict with an applier", args: ["-n", "t", "apply", "--server-side", "--field-manager=third", "-f", "-"], stdin: configMap("  a: theirs\n"), exit: 1, stderr: /conflict with "other": \.data\.a/ },
  { name: "owners are shown", args: ["-n", "t", "get", "cm", "settings", "--show-managed-fields", "-o", "jsonpath={.metadata.managedFields[*].manager}"], stdout: /other/ },

  { name: "from client-side to server-side apply: before", args: ["-n", "t", "apply", "-f", "-"], stdin: configMap("  a: one\n").replace("settings", "moved"), stdout: "configmap/moved created\n" },
  { name: "from client-side to server-side apply: same owner", args: ["-n", "t", "apply", "--server-side", "-f", "-"], stdin: configMap("  a: two\n").replace("settings", "moved"), stdout: "configmap/moved serverside-applied\n", exit: 0 },
  { name: "the fields have moved", args: ["-n", "t", "get", "cm", "moved", "--show-managed-fields", "-o", "jsonpath={.metadata.managedFields[*].manager} {.data.a}"], stdout: /^(kubectl kubectl-last-applied|kubectl-last-applied kubectl) two$/ },
  { name: "the moved object goes", args: ["-n", "t", "delete", "cm", "moved"], stdout: 'configmap "moved" deleted\n' },
  { name: "apply a service", args: ["-n", "t", "apply", "-f", "-"], stdin: service("    - {name: http, port: 80}\n    - {name: admin, port: 81}\n"), stdout: "service/web created\n" },
  { name: "strategic merge by port", args: ["-n", "t", "apply", "-f", "-"], stdin: service("    - {name: http, port: 80, targetPort: 8080}\n"), stdout: "service/web configured\n" },
  { name: "merged ports", args: ["-n", "t", "get", "svc", "web", "-o", "jsonpath={.spec.ports}"], stdout: '[{"name":"http","port":80,"protocol":"TCP","targetPort":8080}]' },
  { name: "services as a table", args: ["-n", "t", "get", "svc", "web"], stdout: /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nweb +ClusterIP +\S+ +<none> +80\/TCP +\d+s\n$/ },
  { name: "wide", args: ["-n", "t", "get", "svc", "-o", "wide"], stdout: / SELECTOR\n[^\n]* run=one\nweb [^\n]* app=web\n$/ },

  { name: "apply a rule", args: ["-n", "t", "apply", "--server-side", "-f", "-"], stdin: rule("up == 0"), stdout: "prometheusrule.monitoring.coreos.com/app serverside-applied\n" },
  { name: "unknown field", args: ["-n", "t", "apply", "--server-side", "-f", "-"], stdin: rule("up", "          fro: 5m\n"), exit: 1, stderr: /strict decoding error: unknown field "spec\.groups\[0\]\.rules\[0\]\.fro"/ },
  { name: "unknown field without validation", args: ["-n", "t", "apply", "--server-side", "--validate=false", "-f", "-"], stdin: rule("up", "          fro: 5m\n"), stdout: /serverside-applied/ },
  { name: "bad pattern", args: ["-n", "t", "apply", "--server-side", "-f", "-"], stdin: rule("up", "          for: soon\n"), exit: 1, stderr: /The PrometheusRule "app" is invalid: spec\.groups\[0\]\.rules\[0\]\.for: Invalid value: "soon": spec\.groups\[0\]\.rules\[0\]\.for in body should match/ },
  { name: "refused by admission", args: ["-n", "t", "apply", "--server-side", "-f", "-"], stdin: rule("refuse_me"), exit: 1, stderr: /refused by the test/ },
  { name: "a CEL rule", args: ["-n", "t", "apply", "--server-side", "-f", "-"], stdin: "apiVersion: monitoring.coreos.com/v1alpha1\nkind: PrometheusAgent\nmetadata: {name: a}\nspec: {mode: DaemonSet, replicas: 2}\n", exit: 1, stderr: /replicas cannot be set when mode is DaemonSet/ },
  { name: "bad name", args: ["-n", "t", "create", "configmap", "Bad_Name"], exit: 1, stderr: /a lowercase RFC 1123 subdomain must consist of/ },

  { name: "label", args: ["-n", "t", "label", "cm", "settings", "made", "tier=x"], stdout: "configmap/settings labeled\nconfigmap/made labeled\n" },
  { name: "label twice", args: ["-n", "t", "label", "cm", "made", "tier=y"], exit: 1, stderr: /already has a value \(x\), and --overwrite is false/ },
  { name: "label overwrite", args: ["-n", "t", "label", "cm", "made", "tier=y", "--overwrite"], stdout: "configmap/made labeled\n" },
  { name: "select by label", args: ["-n", "t", "get", "cm", "-l", "tier in (x,z)", "-o", "name"], stdout: "configmap/settings\n" },
  { name: "select by field", args: ["-n", "t", "get", "cm", "--field-selector", "metadata.name=made", "-o", "name"], stdout: "configmap/made\n" },
  { name: "unknown field selector", args: ["-n", "t", "get", "cm", "--field-selector", "data.a=1"], exit: 1, stderr: /field label not supported: data\.a/ },
  { name: "show labels", args: ["-n", "t", "get", "cm", "made", "--show-labels"], stdout: /tier=y\n$/ },
  { name: "label column", args: ["-n", "t", "get", "cm", "made", "-L", "tier"], stdout: /TIER\nmade +1 +\d+s +y\n$/ },
  { name: "remove label", args: ["-n", "t", "label", "cm", "made", "tier-"], stdout: "configmap/made unlabeled\n" },
  { name: "annotate", args: ["-n", "t", "annotate", "cm", "made", "note=hello"], stdout: "configmap/made annotated\n" },
  { name: "merge patch", args: ["-n", "t", "patch", "cm", "made", "--type=merge", "-p", '{"data":{"a":null,"b":"2"}}'], stdout: "configmap/made patched\n" },
  { name: "patch without change", args: ["-n", "t", "patch", "cm", "made", "--type=merge", "-p", '{"data":{"b":"2"}}'], stdout: "configmap/made patched (no change)\n" },
  { name: "json patch", args: ["-n", "t", "patch", "cm", "made", "--type=json", "-p", '[{"op":"add","path":"/data/c","value":"3"}]'], stdout: "configmap/made patched\n" },
  { name: "failing json patch test", args: ["-n", "t", "patch", "cm", "made", "--type=json", "-p", '[{"op":"test","path":"/data/c","value":"9"}]'], exit: 1, stderr: /the server rejected our request/ },
  { name: "strategic patch", args: ["-n", "t", "patch", "svc", "web", "-p", '{"spec":{"ports":[{"name":"admin","port":81}]}}'], stdout: "service/web patched\n" },
  { name: "patched", args: ["-n", "t", "get", "svc", "web", "-o", "jsonpath={.spec.ports[*].port}"], stdout: /^(80 81|81 80)$/ },
  { name: "strategic patch of a custom resource", args: ["-n", "t", "patch", "promrule", "app", "--type=strategic", "-p", "{}"], exit: 1, stderr: /UnsupportedMediaType|unknown format|strategic merge patch is not supported/ },
  { name: "merge patch of a custom resource", args: ["-n", "t", "patch", "promrule", "app", "--type=merge", "-p", '{"metadata":{"labels":{"x":"y"}}}'], stdout: "prometheusrule.monitoring.coreos.com/app patched\n" },
  { name: "status patch", args: ["-n", "t", "patch", "smon", "m", "--subresource=status", "--type=merge", "-p", "{}"], exit: 1, stderr: /not found/ },
  { name: "replace", args: ["-n", "t", "replace", "-f", "-"], stdin: configMap("  z: last\n"), stdout: "configmap/settings replaced\n" },
  { name: "replace a missing object", args: ["-n", "t", "replace", "-f", "-"], stdin: configMap("  z: last\n").replace("settings", "nothing"), exit: 1, stderr: /configmaps "nothing" not found/ },
  { name: "yaml out", args: ["-n", "t", "get", "cm", "settings", "-o", "yaml"], stdout: /^apiVersion: v1\ndata:\n {2}z: last\nkind: ConfigMap\n/ },
  { name: "json list out", args: ["-n", "t", "get", "promrule", "-o", "json"], stdout: /"kind": "List"/ },
  { name: "all namespaces", args: ["get", "promrule", "-A"], stdout: /^NAMESPACE +NAME +AGE\nt +app +\d+s\n$/ },
  { name: "several kinds", args: ["-n", "t", "get", "cm,svc", "-o", "name"], stdout: "configmap/made\nconfigmap/settings\nservice/one\nservice/web\n" },
  { name: "describe", args: ["-n", "t", "describe", "cm", "settings"], stdout: /Name: +settings\nNamespace: +t\n/ },
  { name: "describe a custom resource", args: ["-n", "t", "describe", "promrule", "app"], stdout: /Kind: +PrometheusRule/ },
  { name: "describe a service", args: ["-n", "t", "describe", "svc", "web"], stdout: /Port: +http +80\/TCP/ },
  { name: "describe a deployment", args: ["-n", "t", "describe", "deploy", "web"], stdout: /Replicas: +3 desired/ },
  { name: "generate a name", args: ["-n", "t", "create", "-f", "-"], stdin: "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: gen-}\n", stdout: /^configmap\/gen-[a-z0-9]{5} created\n$/ },
  { name: "an event", args: ["-n", "t", "create", "-f", "-"], stdin: "apiVersion: events.k8s.io/v1\nkind: Event\nmetadata: {name: e1}\neventTime: 2026-01-01T00:00:00.000000Z\nreportingController: test\nreportingInstance: t\naction: Act\nreason: Because\ntype: Normal\nnote: it happened\nregarding: {kind: ConfigMap, name: settings, namespace: t, apiVersion: v1}\n", stdout: "event.events.k8s.io/e1 created\n" },
  { name: "events as a table", args: ["-n", "t", "get", "events"], stdout: /LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n\S+ +Normal +Because +configmap\/settings +it happened\n/ },
  { name: "events", args: ["-n", "t", "events", "--for", "configmap/settings"], stdout: /it happened/ },
  { name: "wait for a field", args: ["-n", "t", "wait", "--for=jsonpath={.data.z}=last", "cm/settings", "--timeout=5s"], stdout: "configmap/settings condition met\n" },
  { name: "a user's CRD", args: ["apply", "-f", "-"], stdin: "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: boats.sea.example.com}\nspec:\n  group: sea.example.com\n  scope: Namespaced\n  names: {kind: Boat, plural: boats, singular: boat, shortNames: [bt]}\n  versions:\n    - name: v1\n      served: true\n      storage: true\n      additionalPrinterColumns: [{name: Masts, type: integer, jsonPath: .spec.masts}]\n      schema:\n        openAPIV3Schema:\n          type: object\n          properties:\n            spec:\n              type: object\n              properties:\n                masts: {type: integer, minimum: 1, default: 2}\n", stdout: "customresourcedefinition.apiextensions.k8s.io/boats.sea.example.com created\n" },
  { name: "wait for the CRD", args: ["wait", "--for=condition=Established", "crd/boats.sea.example.com"], stdout: /condition met/ },
  { name: "an object of it", args: ["-n", "t", "apply", "-f", "-"], stdin: "apiVersion: sea.example.com/v1\nkind: Boat\nmetadata: {name: argo}\nspec: {}\n", stdout: "boat.sea.example.com/argo created\n" },
  { name: "its default and its column", args: ["-n", "t", "get", "bt"], stdout: /^NAME +MASTS +AGE\nargo +2 +\d+s\n$|^NAME +MASTS\nargo +2\n$/ },
  { name: "its minimum", args: ["-n", "t", "patch", "boat", "argo", "--type=merge", "-p", '{"spec":{"masts":0}}'], exit: 1, stderr: /spec\.masts in body should be greater than or equal to 1/ },
  { name: "delete the CRD", args: ["delete", "crd", "boats.sea.example.com"], stdout: 'customresourcedefinition.apiextensions.k8s.io "boats.sea.example.com" deleted\n' },
  { name: "its objects are gone", args: ["get", "--raw", "/apis/sea.example.com/v1/boats"], exit: 1, stderr: /the server could not find the requested resource/ },

  { name: "delete and wait", args: ["-n", "t", "delete", "cm", "made", "--wait=true"], stdout: 'configmap "made" deleted\n' },
  { name: "delete a missing object", args: ["-n", "t", "delete", "cm", "made"], exit: 1, stderr: 'Error from server (NotFound): configmaps "made" not found\n' },
  { name: "delete if there", args: ["-n", "t", "delete", "cm", "made", "--ignore-not-found"], stdout: "" },
  { name: "replace took the label", args: ["-n", "t", "delete", "cm", "-l", "tier=x"], stdout: "No resources found\n" },
  { name: "label once more", args: ["-n", "t", "label", "cm", "settings", "tier=x"], stdout: "configmap/settings labeled\n" },
  { name: "delete by that label", args: ["-n", "t", "delete", "cm", "-l", "tier=x"], stdout: 'configmap "settings" deleted\n' },
  { name: "delete in the foreground", args: ["-n", "t", "delete", "deploy", "web", "--cascade=foreground"], stdout: 'deployment.apps "web" deleted\n' },
  { name: "an object with a finalizer", args: ["-n", "t", "create", "-f", "-"], stdin: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: held, finalizers: [example.com/hold]}\n", stdout: "configmap/held created\n" },
  { name: "stays when deleted", args: ["-n", "t", "delete", "cm", "held", "--wait=false"], stdout: 'configmap "held" deleted\n' },
  { name: "is marked", args: ["-n", "t", "get", "cm", "held", "-o", "jsonpath={.metadata.deletionGracePeriodSeconds}"], stdout: "0" },
  { name: "holds its namespace", args: ["delete", "ns", "t", "--wait=false"], stdout: 'namespace "t" deleted\n' },
  { name: "which terminates", args: ["get", "ns", "t"], stdout: /t +Terminating/ },
  { name: "and takes nothing new", args: ["-n", "t", "create", "configmap", "late"], exit: 1, stderr: /because it is being terminated/ },
  { name: "the finalizer goes", args: ["-n", "t", "patch", "cm", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}'], stdout: "configmap/held patched\n" },
  { name: "and the namespace with it", args: ["get", "ns", "t"], exit: 1, stderr: 'Error from server (NotFound): namespaces "t" not found\n' },
  { name: "whoami", args: ["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"], stdout: "system:anonymous" },
  { name: "a pod without logs", args: ["run", "quiet", "--image=x"], stdout: "pod/quiet created\n" },
  { name: "logs need a kubelet", args: ["logs", "quiet"], exit: 1, stderr: /runs no containers/ },
  { name: "logs say what is missing", args: ["logs", "nobody"], exit: 1, stderr: /pods "nobody" not found/ },
]; // biome-ignore format: a table
