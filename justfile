# What is typed often while developing; `just` lists it.
_default:
    @just --list --unsorted

# Compile and lint, without running anything
check:
    cargo clippy --all-targets

# Run the tests
test *filter:
    cargo test {{filter}}

# Rewrite the expected trees, the locks and the example fleet's tree; read the difference before committing it
snapshots:
    SNAPSHOTS=overwrite cargo test
    cargo run --release -- render

# Everything that CI runs
ci:
    .ci/run

# Time a full render side by side with kustomize and cp
bench *count:
    benches/compare.sh {{count}}

# Time a publish side by side with git add and git commit
bench-publish *count:
    benches/publish.sh {{count}}

# Time flattening a kustomize tree side by side with kubectl kustomize
bench-flatten *counts:
    cargo bench --quiet --bench flatten -- {{counts}}
