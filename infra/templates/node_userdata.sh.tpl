MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="==driftseal=="

--==driftseal==
Content-Type: text/x-shellscript; charset="us-ascii"

#!/bin/bash
# Sets a Nitro node's memory and cores aside for the enclave, before kubelet counts what is there. Nothing is installed:
# the driver is in the kernel of AL2023, nitro-cli in the runner's image.
set -euo pipefail
exec > >(tee -a /var/log/driftseal-node.log >/dev/console) 2>&1

# nodeadm starts kubelet after cloud-init whether this script succeeded or not, so a node without its enclave's memory
# would join and look healthy. It joins only if the last line here was reached. A restart loses what is set aside, and
# this file with it: the node then stays out, and is replaced.
readonly READY=/run/driftseal-node-ready
install -d -m 0755 /etc/systemd/system/nodeadm-run.service.d
printf '[Unit]\nConditionPathExists=%s\n' "$READY" >/etc/systemd/system/nodeadm-run.service.d/driftseal.conf
systemctl daemon-reload

# A node that stays out is stopped, for Auto Scaling to replace.
trap '[ -e "$READY" ] || shutdown -h now' EXIT
refuse() {
  echo "driftseal: this node cannot carry an enclave: $1"
  exit 1
}

readonly MEMORY_MIB=${enclave_memory_mib}
readonly CPUS=${enclave_cpu_count}
readonly PAGES=$((MEMORY_MIB / 2))

# Memory: 2 MiB pages and no 1 GiB ones, which the pod could not ask for. Early, while it is in one piece.
echo 1 >/proc/sys/vm/compact_memory
sysctl -w "vm.nr_hugepages=$PAGES"
pages=$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages)
[ "$pages" -ge "$PAGES" ] || refuse "it has $pages pages of 2 MiB, and the enclave needs $PAGES"

# Cores: whole ones of one NUMA node, the last first, never that of CPU 0, which the driver leaves to the host.
host=$(cat /sys/devices/system/cpu/cpu0/topology/thread_siblings_list)
pool=""
count=0
for cpu in $(ls -d /sys/devices/system/node/node0/cpu[0-9]* | sed 's/.*cpu//' | sort -rn); do
  [ "$count" -lt "$CPUS" ] || break
  siblings=$(cat "/sys/devices/system/cpu/cpu$cpu/topology/thread_siblings_list")
  [ "$siblings" != "$host" ] || continue
  case ",$pool," in *",$siblings,"*) continue ;; esac
  pool="$${pool:+$pool,}$siblings"
  count=$((count + $(echo "$siblings" | awk -F'[,-]' '{ print NF }')))
done
[ "$count" -eq "$CPUS" ] || refuse "it has no $CPUS vCPUs in whole cores beside the host's own"

# The driver takes the cores off the host, so kubelet never counts them.
modprobe nitro_enclaves
[ -c /dev/nitro_enclaves ] || refuse "/dev/nitro_enclaves is not there: are enclave_options on?"
echo "$pool" >/sys/module/nitro_enclaves/parameters/ne_cpus
granted=$(cat /sys/module/nitro_enclaves/parameters/ne_cpus)
[ -n "$granted" ] || refuse "the driver took no cores of $pool"

# The runtime's usual profile blocks AF_VSOCK. This one allows it, for the pods that name it.
install -d -m 0755 /var/lib/kubelet/seccomp
echo '${seccomp_profile}' | base64 -d | gunzip >/var/lib/kubelet/seccomp/driftseal.json
echo '${seccomp_sha256}  /var/lib/kubelet/seccomp/driftseal.json' | sha256sum --check --quiet

# Sealed objects, for the parent-proxy's user alone.
install -d -m 0700 -o 65532 -g 65532 /var/lib/driftseal/blobs

touch "$READY"
echo "driftseal: $pages pages of 2 MiB and CPUs $granted are set aside"

--==driftseal==--
