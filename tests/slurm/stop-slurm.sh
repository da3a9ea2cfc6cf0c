#!/usr/bin/env bash
# Ends what start-slurm.sh started in FOLDER, by the process numbers that it wrote there.
set -uo pipefail

folder=$(realpath -m "$1")
for daemon in slurmd slurmctld munged; do
  process=$(cat "$folder/run/$daemon.pid" 2> /dev/null) || continue
  [[ $(cat "/proc/$process/comm" 2> /dev/null) == "$daemon" ]] || continue
  kill "$process"
  for _ in $(seq 100); do
    [[ -e /proc/$process ]] || break
    sleep 0.1
  done
done
if [[ $(readlink /etc/slurm/slurm.conf) == "$folder/slurm.conf" ]]; then
  rm /etc/slurm/slurm.conf /etc/slurm/gres.conf
fi
