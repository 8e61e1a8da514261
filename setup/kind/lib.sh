# Shared by the scripts of this folder, which source it.
# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR source=../lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

HERE="$ROOT/setup/kind"
export STATE=${KIND_STATE:-"$HERE/.state"} # the kubeconfig, Grafana's password and token; nobody else may read it
CLUSTER=chaos-gameday
export GRAFANA=http://127.0.0.1:31300 # cluster.yaml
umask 077
# The shell's own environment, `source setup/env` for example, must not pass for the cluster that is made here.
unset GRAFANA_URL GRAFANA_TOKEN CHAOS_ENVIRONMENT
export KUBECONFIG="$STATE/kubeconfig"

need_for_cluster() {
  need docker "https://docs.docker.com/engine/install"
  need_version kind 0.32.0 https://kind.sigs.k8s.io/docs/user/quick-start/#installation kind version
}

# check_docker: that an engine answers, which the command alone does not say.
check_docker() {
  docker version >/dev/null 2>&1 ||
    die "no Docker engine answers: start it (systemctl start docker), or let this user use it (the group docker)"
}

cluster_exists() { kind get clusters 2>/dev/null | grep -qx "$CLUSTER"; }

# apply_secret NAME KEY FILE: a Secret of the namespace monitoring, its value read from a file and in no argument.
apply_secret() {
  kubectl create secret generic "$1" --namespace=monitoring --from-file="$2=$3" --dry-run=client --output=yaml |
    kubectl apply -f -
}
