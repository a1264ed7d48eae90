#!/usr/bin/env bash
# All that a GPU can show of this project, within nine minutes and without a network.
#
#     benchmarks/gpu.sh                  in a checkout, where its packages are
#     OUT=/tmp/found benchmarks/gpu.sh   where figures go (else benchmarks/results/gpu)
#
# Without a GPU, or with MEMGAN_BENCH_TINY=1, every part runs in a tiny size, so that the script
# itself can be tried. Parts come by worth, each with a time of its own; one that fails stops no
# other, and the last ones get what is left of MEMGAN_BENCH_SECONDS (540; in a tiny size without a
# GPU an hour). Every figure is in $OUT as soon as it is there; summary.json says how each part ended,
# and the script's own status is 1 if one failed.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
if [ -f .gpu/enter ]; then . .gpu/enter; fi
python=${PYTHON:-$(command -v python3)}
out=${OUT:-benchmarks/results/gpu}
mkdir -p "$out" && out=$(cd "$out" && pwd) || exit 2
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" OMP_NUM_THREADS=1 CUBLAS_WORKSPACE_CONFIG=:4096:8
data=${MEMGAN_DATA:-}
work=$(mktemp -d)
failed=0
mps= # Whether a daemon of CUDA MPS runs that was started here.

finish() {
    if [ -n "$mps" ]; then echo quit | timeout 20 nvidia-cuda-mps-control; fi
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

device=$("$python" -c 'import torch; print("cuda" if torch.cuda.is_available() else "cpu")')
tiny=${MEMGAN_BENCH_TINY:-}
patience=1 whole=540
if [ "$device" != cuda ]; then tiny=1 patience=8 whole=3600; fi
whole=${MEMGAN_BENCH_SECONDS:-$whole}
rm -f "$out/parts.tsv"

note() { # NAME, CODE OR WORD, SECONDS, REMARK
    printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4:-}" >>"$out/parts.tsv"
    "$python" benchmarks/_gpu_summary.py "$out"
}

part() { # NAME SECONDS COMMAND…
    local name=$1 limit=$(($2 * patience)) began=$SECONDS code
    shift 2
    if [ "$limit" -gt $((whole - SECONDS)) ]; then limit=$((whole - SECONDS)); fi
    if [ "$limit" -lt 10 ]; then
        note "$name" skipped 0 "no time was left"
        return
    fi
    echo "== $name"
    timeout --kill-after=10 "$limit" "$@" >"$out/$name.log" 2>&1
    code=$?
    tail -n 4 "$out/$name.log"
    [ "$code" = 0 ] || failed=1
    note "$name" "$code" $((SECONDS - began)) "$([ $code = 124 ] && echo "its $limit s were over")"
}

if [ -n "$tiny" ]; then
    step=(--rounds 1 --steps 2)
    table=(--source digits --epochs 1)
    once=(--processes 1,2 --seconds 1 --side 8)
    packing=(--counts 1 2 --rounds 1 --steps 1)
    precision=(--source digits --epochs 1 --seeds 1 --classes 0,1)
    digits=(--trials 2 --epochs 2 --final-seeds 1 --normal-class 0,1)
else
    step=(--rounds 5 --steps 60)
    table=(--source mnist)
    once=(--processes 1,2,4,8 --seconds 6)
    packing=(--counts 1 5 10 30 100)
    precision=(--source mnist --seeds 5)
    digits=()
fi

part doctor 45 "$python" -c 'from search.cli import main; main()' doctor
part training_step 100 "$python" benchmarks/training_step.py --device "$device" "${step[@]}" \
    --out "$out/training-step.json"
part table1 60 "$python" benchmarks/table1.py --device "$device" "${table[@]}" \
    --out "$out/table1-seconds.json"
if [ -f benchmarks/packing.py ]; then
    part packing 80 "$python" benchmarks/packing.py --device "$device" "${packing[@]}" \
        --out "$out/packing.json"
else
    note packing skipped 0 "there is no benchmarks/packing.py"
fi
part at_once 70 "$python" benchmarks/at_once.py --device "$device" "${once[@]}" \
    --out "$out/at-once.json"
part search_digits 80 "$python" benchmarks/whole_search.py --out "$out/search-digits.json" \
    -- configs/studies/digits.yaml --name digits "${digits[@]}"
mapfile -t files < <(grep -rl --include='test_*.py' 'mark\.gpu' tests)
part gpu_tests 60 "$python" -m pytest -n 0 -m gpu "${files[@]}"
if [ "$device" = cuda ] && command -v nvidia-cuda-mps-control >/dev/null; then
    # The daemon has a folder of its own, so that no other is touched, and is ended by its own word.
    export CUDA_MPS_PIPE_DIRECTORY=$work/mps CUDA_MPS_LOG_DIRECTORY=$work/mps
    mkdir -p "$work/mps"
    if timeout 20 nvidia-cuda-mps-control -d; then
        mps=1
        part at_once_mps 70 "$python" benchmarks/at_once.py --device cuda "${once[@]}" \
            --label MPS --out "$out/at-once-mps.json"
        echo quit | timeout 20 nvidia-cuda-mps-control
        mps=
    else
        note at_once_mps skipped 0 "nvidia-cuda-mps-control could not be started"
    fi
    unset CUDA_MPS_PIPE_DIRECTORY CUDA_MPS_LOG_DIRECTORY
else
    note at_once_mps skipped 0 "there is no nvidia-cuda-mps-control, or no GPU"
fi
part table1_in_turn 60 "$python" benchmarks/table1.py --device "$device" "${table[@]}" \
    --packing off --out "$out/table1-seconds-in-turn.json"
if [ -n "$tiny" ]; then
    note search_mnist skipped 0 "it has no tiny size"
elif [ -d "$data/MNIST" ]; then
    part search_mnist 90 "$python" benchmarks/whole_search.py --out "$out/search-mnist.json" \
        -- configs/studies/mnist.yaml --name mnist --trials 8 --final-seeds 1 --data-dir "$data"
else
    note search_mnist skipped 0 "MEMGAN_DATA names no folder with MNIST"
fi
part precision 120 "$python" benchmarks/precision.py --device "$device" "${precision[@]}" \
    --out "$out/precision.json"
echo "figures are in $out"
exit $failed
