#!/usr/bin/env bash
# All that a GPU can show of this project, within nine minutes and without a network.
#
#     benchmarks/gpu.sh                  in a checkout, where `memgan` runs
#     OUT=/tmp/found benchmarks/gpu.sh   where figures go (else benchmarks/results/gpu)
#
# Without a GPU, or with MEMGAN_BENCH_TINY=1, every part runs in a tiny size, so that the script
# itself can be tried. Parts come by worth, each with a time of its own; one that fails stops no
# other. Figures are written as soon as they are there.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ -f .gpu/enter ]; then . .gpu/enter; fi
python=${PYTHON:-$(command -v python3)}
out=${OUT:-benchmarks/results/gpu}
mkdir -p "$out"
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" OMP_NUM_THREADS=1 CUBLAS_WORKSPACE_CONFIG=:4096:8
data=${MEMGAN_DATA:-}

device=$("$python" -c 'import torch; print("cuda" if torch.cuda.is_available() else "cpu")')
tiny=${MEMGAN_BENCH_TINY:-}
[ "$device" = cpu ] && tiny=1
summary=$out/summary.txt
: >"$summary"

part() { # NAME SECONDS COMMAND…
    local name=$1 limit=$2 began=$SECONDS code
    shift 2
    echo "== $name"
    timeout --kill-after=10 "$limit" "$@" >"$out/$name.log" 2>&1
    code=$?
    tail -n 4 "$out/$name.log"
    printf '%-24s rc %-3s %4s s\n' "$name" "$code" "$((SECONDS - began))" | tee -a "$summary"
}

memgan() { "$python" -c 'from search.cli import main; main()' "$@"; }
export -f memgan
export python

{
    date -u
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null
    "$python" -c 'import torch; print("torch", torch.__version__, "CUDA", torch.version.cuda)'
    nproc --all
} >>"$summary"

if [ -n "$tiny" ]; then
    step=(--rounds 1 --steps 2)
    table=(--source digits --epochs 1)
    once=(--processes 1,2 --seconds 1 --side 8)
    digits=(--trials 2 --epochs 2 --final-seeds 1 --normal-class 0,1)
else
    step=(--rounds 5 --steps 60)
    table=(--source mnist)
    once=(--processes 1,2,4,8 --seconds 6)
    digits=()
fi

part training_step 110 "$python" benchmarks/training_step.py --device "$device" "${step[@]}" \
    --out "$out/training-step.json"
part table1 120 "$python" benchmarks/table1.py --device "$device" "${table[@]}" \
    --out "$out/table1-seconds.json"
part at_once 90 "$python" benchmarks/at_once.py --device "$device" "${once[@]}" \
    --out "$out/at-once.json"
if [ -f benchmarks/packing.py ]; then
    part packing 100 "$python" benchmarks/packing.py --device "$device" ${tiny:+--tiny} \
        --out "$out/packing.json"
else
    echo "packing: there is no benchmarks/packing.py yet" | tee -a "$summary"
fi
work=$(mktemp -d)
part search_digits 90 bash -c 'cd "$0" && memgan search --json "$@" >digits.json' "$work" \
    --name digits "${digits[@]}"
cp "$work/digits.json" "$out/search-digits.json" 2>/dev/null
if [ -n "$data" ] && [ -d "$data/MNIST" ] && [ -z "$tiny" ]; then
    part search_mnist 110 bash -c 'cd "$0" && memgan search --json "$@" >mnist.json' "$work" \
        "$PWD/configs/studies/mnist.yaml" --name mnist --trials 8 --final-seeds 1
    cp "$work/mnist.json" "$out/search-mnist.json" 2>/dev/null
fi
part gpu_tests 100 "$python" -m pytest -n 0 -m gpu tests

# MPS comes last, as it changes how the device is shared. The daemon is ended by its own command,
# in a folder of its own, so that no other is touched.
if [ "$device" = cuda ] && command -v nvidia-cuda-mps-control >/dev/null; then
    export CUDA_MPS_PIPE_DIRECTORY=$work/mps CUDA_MPS_LOG_DIRECTORY=$work/mps
    mkdir -p "$work/mps"
    if nvidia-cuda-mps-control -d; then
        part at_once_mps 90 "$python" benchmarks/at_once.py --device cuda "${once[@]}" \
            --label MPS --out "$out/at-once-mps.json"
        echo quit | nvidia-cuda-mps-control
    fi
else
    echo "at_once_mps: there is no nvidia-cuda-mps-control here" | tee -a "$summary"
fi
part doctor 60 bash -c 'memgan doctor'
rm -rf "$work"
cat "$summary"
