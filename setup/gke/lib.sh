# Shared by the scripts of this folder, which source it.
# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR source=../lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

HERE="$ROOT/setup/gke"
export STATE=${GKE_STATE:-"$HERE/.state"} # the cluster's kubeconfig, Docker's login, plans; nobody else may read it
umask 077
export TF_IN_AUTOMATION=1 TF_INPUT=0 CHECKPOINT_DISABLE=1
# How to reach Slack, by the names that everything else here knows it by, too.
export TF_VAR_slack_webhook_url=${TF_VAR_slack_webhook_url-${SLACK_WEBHOOK_URL-}}
export TF_VAR_slack_token=${TF_VAR_slack_token-${SLACK_TOKEN-}}
export TF_VAR_slack_channel=${TF_VAR_slack_channel-${SLACK_CHANNEL-}}
# The shell's own environment, `source setup/env` for example, must not pass for the stack that is made here.
unset GRAFANA_URL GRAFANA_AUTH GRAFANA_TOKEN KUBE_CONFIG_PATH

need_for_terraform() {
  need_version terraform 1.9 https://developer.hashicorp.com/terraform/install terraform version
  need gcloud "https://cloud.google.com/sdk/docs/install"
  need gke-gcloud-auth-plugin "gcloud components install gke-gcloud-auth-plugin, or its Debian package google-cloud-cli-gke-gcloud-auth-plugin"
  need curl "apt-get install curl"
  need python3 "apt-get install python3"
}

# check_credentials: that both clouds are open to us, before anything is asked of them.
check_credentials() {
  [ -f "$HERE/terraform.tfvars" ] || [ -n "${TF_VAR_project:-}" ] ||
    die "say what to make: cp setup/gke/terraform.tfvars.example setup/gke/terraform.tfvars, and edit it"
  [ -n "${GRAFANA_CLOUD_ACCESS_POLICY_TOKEN:-}" ] ||
    die "GRAFANA_CLOUD_ACCESS_POLICY_TOKEN is not set: setup/gke/README.md says which scopes the token needs"
  [ -n "${GOOGLE_APPLICATION_CREDENTIALS:-}" ] || gcloud auth application-default print-access-token >/dev/null 2>&1 ||
    die "no Google credentials for Terraform: run gcloud auth application-default login"
}

tf() { terraform -chdir="$HERE" "$@"; }

# planned PLAN: the project, the cluster's name and the Grafana stack's name that a plan is about, a line each. They
# are in a plan also when nothing was ever made, or everything is gone.
planned() {
  tf show -json "$1" | python3 -c '
import json, sys
variables = json.load(sys.stdin)["variables"]
print(*(variables[name]["value"] for name in ("project", "name", "grafana_stack")), sep="\n")'
}

# output NAME: an output of the last apply; fails when there is none.
output() { tf output -raw "$1" 2>/dev/null; }

# confirm QUESTION: asks, unless --yes was given; anything but yes ends the script.
confirm() {
  [ "${YES:-}" = 1 ] && return
  [ -t 0 ] || die "nobody to ask here: give --yes"
  local answer=
  read -r -p "$1 Type yes: " answer || true
  [ "$answer" = yes ] || die "nothing was changed"
}

# options "$@": knows --yes and nothing else.
options() {
  local word
  for word in "$@"; do
    [ "$word" = --yes ] || die "unknown option '$word': there is --yes"
    YES=1
  done
}
