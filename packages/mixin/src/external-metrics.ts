/**
 * What rules and dashboards read that no part of Pharos exposes: which program does, and which of its metrics are needed. The
 * rest is ours, and a test beside the monitors proves that it is there and not dropped.
 */
export const EXTERNAL_METRICS = {
  /** The kubelet's page /metrics/cadvisor. */
  cadvisor: [
    "container_cpu_cfs_periods_total",
    "container_cpu_cfs_throttled_periods_total",
    "container_cpu_usage_seconds_total",
    "container_fs_reads_bytes_total",
    "container_fs_writes_bytes_total",
    "container_memory_cache",
    "container_memory_rss",
    "container_memory_swap",
    "container_memory_working_set_bytes",
    "container_network_receive_bytes_total",
    "container_network_receive_packets_dropped_total",
    "container_network_receive_packets_total",
    "container_network_transmit_bytes_total",
    "container_network_transmit_packets_dropped_total",
    "container_network_transmit_packets_total",
  ],
  /** The kubelet's page /metrics. */
  kubelet: [
    "kubelet_certificate_manager_client_expiration_renew_errors",
    "kubelet_certificate_manager_client_ttl_seconds",
    "kubelet_certificate_manager_server_ttl_seconds",
    "kubelet_evictions",
    "kubelet_node_name",
    "kubelet_pleg_relist_duration_seconds_bucket",
    "kubelet_pod_start_duration_seconds_bucket",
    "kubelet_pod_worker_duration_seconds_bucket",
    "kubelet_running_containers",
    "kubelet_running_pods",
    "kubelet_runtime_operations_duration_seconds_bucket",
    "kubelet_runtime_operations_errors_total",
    "kubelet_runtime_operations_total",
    "kubelet_server_expiration_renew_errors",
    "kubelet_volume_stats_available_bytes",
    "kubelet_volume_stats_capacity_bytes",
    "kubelet_volume_stats_inodes",
    "kubelet_volume_stats_inodes_free",
    "kubelet_volume_stats_inodes_used",
    "kubelet_volume_stats_used_bytes",
    "storage_operation_duration_seconds_bucket",
    "volume_manager_total_volumes",
  ],
  /** The API server; the counters of clients and work queues are also in every program made with its libraries. */
  apiserver: [
    "aggregator_unavailable_apiservice",
    "aggregator_unavailable_apiservice_total",
    "apiserver_client_certificate_expiration_seconds_bucket",
    "apiserver_client_certificate_expiration_seconds_count",
    "apiserver_request_sli_duration_seconds_bucket",
    "apiserver_request_sli_duration_seconds_count",
    "apiserver_request_terminations_total",
    "apiserver_request_total",
    "kubernetes_build_info",
    "rest_client_requests_total",
    "workqueue_depth",
  ],
  /** The scheduler. */
  scheduler: [
    "scheduler_pod_scheduling_sli_duration_seconds_bucket",
    "scheduler_scheduling_algorithm_duration_seconds_bucket",
    "scheduler_scheduling_attempt_duration_seconds_bucket",
  ],
  /** etcd. */
  etcd: [
    "etcd_disk_backend_commit_duration_seconds_bucket",
    "etcd_disk_wal_fsync_duration_seconds_bucket",
    "etcd_mvcc_db_total_size_in_bytes",
    "etcd_mvcc_db_total_size_in_use_in_bytes",
    "etcd_network_peer_round_trip_time_seconds_bucket",
    "etcd_network_peer_sent_failures_total",
    "etcd_server_has_leader",
    "etcd_server_leader_changes_seen_total",
    "etcd_server_proposals_applied_total",
    "etcd_server_proposals_committed_total",
    "etcd_server_proposals_failed_total",
    "etcd_server_proposals_pending",
    "etcd_server_quota_backend_bytes",
    "grpc_server_handled_total",
    "grpc_server_handling_seconds_bucket",
  ],
  /** CoreDNS, from 1.11 on. */
  coredns: [
    "coredns_cache_hits_total",
    "coredns_cache_requests_total",
    "coredns_dns_request_duration_seconds_bucket",
    "coredns_dns_requests_total",
    "coredns_dns_responses_total",
    "coredns_forward_healthcheck_broken_total",
    "coredns_panics_total",
    "coredns_proxy_healthcheck_failures_total",
    "coredns_proxy_request_duration_seconds_bucket",
    "coredns_proxy_request_duration_seconds_count",
    "coredns_reload_failed_total",
  ],
  /** Envoy, by Istio's standard metrics. */
  envoy: [
    "istio_request_duration_milliseconds_bucket",
    "istio_requests_total",
    "istio_tcp_received_bytes_total",
    "istio_tcp_sent_bytes_total",
  ],
  /** Istio's control plane. */
  istiod: [
    "galley_validation_failed",
    "pilot_proxy_convergence_time_bucket",
    "pilot_total_xds_internal_errors",
    "pilot_total_xds_rejects",
    "pilot_xds",
    "pilot_xds_pushes",
  ],
  /** The sidecar that loads configurations beside upstream's images. */
  configReloader: ["reloader_last_reload_successful"],
  /** Upstream's operator, where it runs instead of ours. */
  upstreamOperator: ["prometheus_operator_node_address_lookup_errors_total"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Only there where the machine has what they are about, or where a collector that is off by default is switched on. */
export const CONDITIONAL_METRICS: Readonly<Record<string, string>> = {
  node_bonding_active: "a bonded interface",
  node_bonding_slaves: "a bonded interface",
  node_md_disks: "a RAID array",
  node_md_disks_required: "a RAID array",
  node_nf_conntrack_entries: "the kernel's module for tracking connections",
  node_nf_conntrack_entries_limit: "the kernel's module for tracking connections",
  node_systemd_unit_state: "--collector.systemd",
  node_systemd_service_restart_total: "--collector.systemd --collector.systemd.enable-restarts-metrics",
  nvidia_gpu_device_up: "an NVIDIA GPU",
  nvidia_gpu_duty_cycle: "an NVIDIA GPU",
  nvidia_gpu_exporter_read_errors_total: "an NVIDIA GPU",
  nvidia_gpu_fanspeed_percent: "an NVIDIA GPU",
  nvidia_gpu_memory_total_bytes: "an NVIDIA GPU",
  nvidia_gpu_memory_used_bytes: "an NVIDIA GPU",
  nvidia_gpu_num_devices: "an NVIDIA GPU",
  nvidia_gpu_power_usage_milliwatts: "an NVIDIA GPU",
  nvidia_gpu_temperature_celsius: "an NVIDIA GPU",
};
