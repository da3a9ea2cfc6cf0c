#!/usr/bin/env bash
# A Slurm cluster of one node on this machine, for tests: start-slurm.sh FOLDER, stop-slurm.sh FOLDER.
# Needs root and the Debian packages slurmctld, slurmd, slurm-client and munge.
# No systemd, cgroups or accounting database; it listens on the loopback address alone.
set -euo pipefail

folder=$(realpath -m "$1")
port=${SLURM_TEST_PORT:-16817}
host=$(hostname -s)
# half of the memory is enough, and leaves the machine usable
memory=$(awk '/^MemAvailable/ {print int($2 / 2048)}' /proc/meminfo)

if [[ -e /etc/slurm/slurm.conf && ! -L /etc/slurm/slurm.conf ]]; then
  echo "/etc/slurm/slurm.conf belongs to a cluster: this machine is left alone." >&2
  exit 1
fi

umask 022
mkdir -p "$folder"/{state,spool,log,run} /etc/slurm
(umask 077 && head -c 1024 /dev/urandom > "$folder/munge.key")
mknod "$folder/gpu" c 1 3 # a null device that is scheduled like a GPU; nothing computes on it
cat > "$folder/gres.conf" << END
Name=gpu File=$folder/gpu
END
cat > "$folder/slurm.conf" << END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/run/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
# a job over its memory is killed, as on a cluster with cgroups
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,bf_interval=2,sched_min_interval=0
ReturnToService=2
# without accounting, squeue is asked how a job ended
MinJobAge=3600
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(getconf _NPROCESSORS_ONLN) RealMemory=$memory Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
# jobs look for the configuration there: Snakemake's plugin takes SLURM_CONF out of their environment
ln -sfn "$folder/slurm.conf" /etc/slurm/slurm.conf
ln -sfn "$folder/gres.conf" /etc/slurm/gres.conf

munged --force --key-file="$folder/munge.key" --socket="$folder/run/munge.socket" \
  --pid-file="$folder/run/munged.pid" --log-file="$folder/log/munged.log" \
  --seed-file="$folder/state/munge.seed"
unset SLURM_CONF
slurmctld
slurmd
for _ in $(seq 100); do
  [[ $(sinfo --noheader --format=%T 2> /dev/null) == idle ]] && exit 0
  sleep 0.1
done
sinfo --list-reasons >&2
tail -n 20 "$folder"/log/*.log >&2
exit 1
