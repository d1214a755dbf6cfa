/*
 * A library with NVML's functions for tests. What it plays is read anew at every call from the file that
 * PHAROS_NVML_STUB names, a line for each word and number: "count 8", "lost 1", "hang 30".
 * With -DOLD it lacks the functions that libraries before version 13 do not have.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned int u32;
typedef unsigned long long u64;
typedef void *device;

enum { SUCCESS = 0, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7, TIMEOUT = 10, LOST = 15 };

static int word(const char *name, int otherwise) {
  const char *path = getenv("PHAROS_NVML_STUB");
  FILE *file = path ? fopen(path, "r") : NULL;
  char found[64];
  int value, result = otherwise;
  if (!file) return otherwise;
  while (fscanf(file, "%63s %d", found, &value) == 2)
    if (strcmp(found, name) == 0) result = value;
  fclose(file);
  return result;
}

/* Devices are 1, 2, …; slices of device n are 100 * n, 100 * n + 1, … */
static int index_of(device d) { return (int)((long)d >= 100 ? (long)d / 100 : (long)d) - 1; }
static int is_slice(device d) { return (long)d >= 100; }
static int check(device d) { return word("lost", -1) == index_of(d) ? LOST : SUCCESS; }
static int put(char *out, u32 length, const char *text) {
  if (strlen(text) >= length) return INSUFFICIENT_SIZE;
  strcpy(out, text);
  return SUCCESS;
}

int nvmlInit_v2(void) { return word("init", SUCCESS); }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { return code == 9 ? "Driver Not Loaded" : "Some Error"; }
int nvmlSystemGetDriverVersion(char *out, u32 length) { return put(out, length, "570.00.01"); }
int nvmlSystemGetNVMLVersion(char *out, u32 length) { return put(out, length, "13.570"); }

int nvmlDeviceGetCount_v2(u32 *count) {
  if (word("crash", 0)) abort();
  *count = (u32)word("count", 1);
  return word("count_code", SUCCESS);
}
int nvmlDeviceGetHandleByIndex_v2(u32 index, device *d) {
  *d = (device)(long)(index + 1);
  return word("gone", -1) == (int)index ? LOST : SUCCESS;
}
int nvmlDeviceGetMinorNumber(device d, u32 *minor) {
  *minor = (u32)index_of(d);
  return word("anonymous", -1) == index_of(d) ? NOT_SUPPORTED : SUCCESS;
}
int nvmlDeviceGetUUID(device d, char *out, u32 length) {
  char text[64];
  snprintf(text, sizeof text, is_slice(d) ? "MIG-%ld" : "GPU-%ld", (long)d - (is_slice(d) ? 0 : 1));
  return put(out, length, text);
}
int nvmlDeviceGetName(device d, char *out, u32 length) {
  return put(out, length, is_slice(d) ? "Stub H100 MIG 1g.10gb" : "Stub H100");
}
int nvmlDeviceGetMemoryInfo(device d, u64 *out) {
  out[0] = is_slice(d) ? 10000000000ULL : 85899345920ULL;
  out[1] = 84899345920ULL;
  out[2] = word("blank", -1) == index_of(d) ? 9223372036854775794ULL : 1000000000ULL;
  return check(d);
}
int nvmlDeviceGetUtilizationRates(device d, u32 *out) {
  int seconds = word("hang", 0);
  if (seconds) sleep((u32)seconds);
  out[0] = 42;
  out[1] = 7;
  return check(d);
}
int nvmlDeviceGetPowerUsage(device d, u32 *milliwatts) {
  *milliwatts = word("blank", -1) == index_of(d) ? 0xffffffffU : 700123;
  return check(d);
}
int nvmlDeviceGetTemperature(device d, u32 sensor, u32 *temperature) {
  *temperature = 55 + sensor;
  return check(d);
}
int nvmlDeviceGetFanSpeed(device d, u32 *percent) {
  *percent = 30;
  return word("fan", 1) ? check(d) : NOT_SUPPORTED;
}

#ifndef OLD
typedef struct { u32 version; u64 total, reserved, free, used; } memory_v2;
typedef struct { u32 version, sensor; int temperature; } temperature_v1;
typedef struct { u32 field, scope; long long time, latency; int type, code; union { u32 u; u64 whole; } value; } field_value;
typedef struct { char legacy[16]; u32 numbers[5]; char bus_id[32]; } pci_info;
typedef struct { device d; u64 type, data; u32 gpu_instance, compute_instance; } event;
typedef struct { u32 metric; int code; double value; void *names[3]; } gpm_metric;
typedef struct { u32 version, count; void *first, *second; gpm_metric metrics[16]; } gpm_get;
_Static_assert(sizeof(memory_v2) == 40 && sizeof(temperature_v1) == 12 && sizeof(field_value) == 40, "layouts");
_Static_assert(sizeof(pci_info) == 68 && sizeof(event) == 32 && sizeof(gpm_metric) == 40, "layouts");

int nvmlDeviceGetMemoryInfo_v2(device d, memory_v2 *out) {
  if (out->version != (40 | 2 << 24)) return 25;
  out->total = 85899345920ULL;
  out->reserved = 600 * 1048576ULL;
  out->free = 80000 * 1048576ULL;
  out->used = 1320 * 1048576ULL + 5;
  return check(d);
}
int nvmlDeviceGetTemperatureV(device d, temperature_v1 *out) {
  if (out->version != (12 | 1 << 24)) return 25;
  out->temperature = 61;
  return check(d);
}
int nvmlDeviceGetFieldValues(device d, int count, field_value *values) {
  for (int i = 0; i < count; i++) {
    values[i].code = values[i].field == 82 ? SUCCESS : NOT_SUPPORTED;
    values[i].value.u = 58;
  }
  return check(d);
}
int nvmlDeviceGetPciInfo_v3(device d, pci_info *out) {
  snprintf(out->bus_id, sizeof out->bus_id, "00000000:%02X:00.0", 0x1b + index_of(d));
  return SUCCESS;
}
int nvmlDeviceGetTotalEnergyConsumption(device d, u64 *millijoules) { *millijoules = 123456789012ULL; return check(d); }
int nvmlDeviceGetClockInfo(device d, u32 kind, u32 *mhz) { *mhz = kind == 1 ? 1980 : 2619; return check(d); }
int nvmlDeviceGetPcieReplayCounter(device d, u32 *count) { *count = 2; return check(d); }
int nvmlDeviceGetEncoderUtilization(device d, u32 *percent, u32 *period) { *percent = 3; *period = 1; return check(d); }
int nvmlDeviceGetDecoderUtilization(device d, u32 *percent, u32 *period) { *percent = 4; *period = 1; return check(d); }
int nvmlDeviceGetRemappedRows(device d, u32 *correctable, u32 *uncorrectable, u32 *pending, u32 *failure) {
  *correctable = 5;
  *uncorrectable = 6;
  *pending = *failure = 0;
  return check(d);
}
int nvmlDeviceGetMigMode(device d, u32 *current, u32 *pending) {
  *current = *pending = word("mig", -1) == index_of(d);
  return SUCCESS;
}
int nvmlDeviceGetMaxMigDeviceCount(device d, u32 *count) { (void)d; *count = 7; return SUCCESS; }
int nvmlDeviceGetMigDeviceHandleByIndex(device d, u32 index, device *slice) {
  *slice = (device)((long)d * 100 + (long)index);
  return index < 2 ? SUCCESS : 6;
}
int nvmlDeviceGetGpuInstanceId(device d, u32 *id) { *id = 7 + (u32)((long)d % 100); return SUCCESS; }

static int told;
int nvmlEventSetCreate(void **set) { *set = &told; return SUCCESS; }
int nvmlDeviceRegisterEvents(device d, u64 types, void *set) { (void)d; return types == 8 && set == &told ? SUCCESS : 2; }
int nvmlEventSetWait_v2(void *set, event *out, u32 milliseconds) {
  (void)set;
  int xid = word("xid", 0);
  if (milliseconds != 0) sleep(milliseconds);
  if (xid == told) return TIMEOUT;
  told = xid;
  *out = (event){(device)1, 8, (u64)xid, 0xffffffffU, 0xffffffffU};
  return SUCCESS;
}

int nvmlGpmQueryDeviceSupport(device d, u32 *support) { (void)d; support[1] = 1; return support[0] == 1 ? SUCCESS : 25; }
int nvmlGpmSampleAlloc(void **sample) { *sample = calloc(1, 8); return SUCCESS; }
int nvmlGpmSampleGet(device d, u64 *sample) { static u64 next; *sample = ++next; return check(d); }
int nvmlGpmMetricsGet(gpm_get *get) {
  if (get->version != 1 || *(u64 *)get->second <= *(u64 *)get->first) return 2;
  for (u32 i = 0; i < get->count; i++) {
    get->metrics[i].code = get->metrics[i].metric == 5 ? NOT_SUPPORTED : SUCCESS;
    get->metrics[i].value = get->metrics[i].metric;
  }
  return SUCCESS;
}
#endif
