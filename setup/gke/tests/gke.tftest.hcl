# `terraform test`, in this folder after `terraform init -backend=false`: nothing is made, every provider is a mock.
# What the manifests become is tested in tests/gke, with Terraform's interpreter; here, what the providers are given.

mock_provider "google" {}
mock_provider "helm" {}
mock_provider "kubernetes" {}

mock_provider "grafana" {
  alias = "cloud"

  mock_resource "grafana_cloud_stack_service_account_token" {
    defaults = { key = "glsa_of-the-test" }
  }
}

mock_provider "grafana" {
  alias = "stack"
}

mock_provider "grafana" {
  alias = "synthetics"

  # The checks ask for the probe's id as a number.
  mock_resource "grafana_synthetic_monitoring_probe" {
    defaults = { id = "12" }
  }
}

variables {
  project       = "my-project-123456"
  owner         = "jane-doe"
  grafana_stack = "mygameday"
}

run "checks_are_off_until_the_shop_runs" {
  assert {
    condition     = length(grafana_synthetic_monitoring_check.service) > 0
    error_message = "There is no check."
  }
  assert {
    condition     = alltrue([for check in grafana_synthetic_monitoring_check.service : check.enabled == false])
    error_message = "A check is enabled before the shop runs."
  }
  assert {
    condition     = output.checks_enabled == false
    error_message = "checks_enabled does not say so."
  }
}

run "checks_are_on_when_the_shop_runs" {
  variables {
    app_ready = true
  }
  assert {
    condition     = alltrue([for check in grafana_synthetic_monitoring_check.service : check.enabled])
    error_message = "A check is still disabled."
  }
  assert {
    condition     = alltrue([for name, check in grafana_synthetic_monitoring_check.service : check.job == "ecommerce-${name}"])
    error_message = "A check's job is not what the SLIs ask for."
  }
  assert {
    condition     = output.checks_enabled == true
    error_message = "checks_enabled does not say so."
  }
}

run "recorded_series_have_their_name_and_their_target" {
  assert {
    condition     = alltrue(flatten([for group in grafana_rule_group.records : [for rule in group.rule : rule.record[0].target_datasource_uid == "grafanacloud-prom"]]))
    error_message = "A recorded series goes elsewhere than to the stack's Prometheus."
  }
  assert {
    condition = alltrue(flatten([
      for group in grafana_rule_group.records : [
        for rule in group.rule : rule.record[0].from == rule.data[0].ref_id && startswith(rule.name, rule.record[0].metric)
      ]
    ]))
    error_message = "A rule records another query than its own, or under another name."
  }
  assert {
    condition = length(setsubtract(
      ["slo:sli_error:ratio_rate5m", "slo:period_error_budget_remaining:count", "ProductDBErrors", "SessionDBErrors", "CartDBErrors"],
      flatten([for group in grafana_rule_group.records : [for rule in group.rule : rule.record[0].metric]]),
    )) == 0
    error_message = "A series that SLIs, alerts or dashboards ask for is not recorded."
  }
  assert {
    condition     = alltrue([for rule in grafana_rule_group.records["data-stores"].rule : rule.data[0].datasource_uid == "grafanacloud-logs" && rule.data[0].query_type == "instant"])
    error_message = "The data stores' errors are not counted in the logs."
  }
}

run "alerts_fire_on_their_condition_after_their_time_and_say_why" {
  assert {
    condition     = alltrue(flatten([for group in grafana_rule_group.alerts : [for rule in group.rule : rule.condition == "firing" && contains(rule.data[*].ref_id, "firing")]]))
    error_message = "An alert's condition is none of its queries."
  }
  assert {
    condition     = alltrue(flatten([for group in grafana_rule_group.alerts : [for rule in group.rule : rule.for == "1m"]]))
    error_message = "An alert does not wait for alert_for_seconds of the row gke."
  }
  assert {
    condition     = alltrue(flatten([for group in grafana_rule_group.alerts : [for rule in group.rule : rule.no_data_state == "OK" && rule.exec_err_state == "Error"]]))
    error_message = "An alert takes no data for a failure, or an error for none."
  }
  assert {
    condition = alltrue(flatten([
      for group in grafana_rule_group.alerts : [
        for rule in group.rule : rule.annotations["summary"] != "" && !can(regex("\\$value\\b", rule.annotations["description"]))
      ]
    ]))
    error_message = "An alert says nothing, or Prometheus' $value, which is another thing in Grafana."
  }
  assert {
    condition     = alltrue([for key, group in grafana_rule_group.alerts : group.folder_uid == "chaos-gameday-${split("/", key)[0]}"])
    error_message = "An alert lies in another folder than its severity's."
  }
  assert {
    condition     = grafana_rule_group.alerts["page/slo-payment-success"].rule[0].labels["compressed"] == "true"
    error_message = "The alerts of compressed windows do not say so."
  }
}

run "production_has_its_own_windows" {
  command = plan
  variables {
    windows = "production"
  }
  assert {
    condition     = grafana_rule_group.alerts["page/slo-payment-success"].rule[0].labels["compressed"] == "false"
    error_message = "The alerts are the compressed ones."
  }
  assert {
    condition     = output.environment == "production"
    error_message = "CHAOS_ENVIRONMENT would be another row than the rules'."
  }
}

run "without_slack_nobody_is_told" {
  command = plan
  assert {
    condition     = length(grafana_contact_point.slack) == 0 && length(grafana_notification_policy.root) == 0
    error_message = "There is a contact point without a way to reach it."
  }
}

run "with_a_webhook_slack_is_told" {
  command = plan
  variables {
    slack_webhook_url = "https://hooks.slack.example/1"
  }
  assert {
    condition     = length(grafana_contact_point.slack) == 1 && length(grafana_notification_policy.root) == 1
    error_message = "There is a webhook, and nobody is told."
  }
  assert {
    condition     = grafana_notification_policy.root[0].contact_point == grafana_contact_point.slack[0].name
    error_message = "The policy names another contact point."
  }
}

run "as_a_bot_slack_is_told" {
  command = plan
  variables {
    slack_token   = "token-of-the-test"
    slack_channel = "#alerts"
  }
  assert {
    condition     = length(grafana_contact_point.slack) == 1 && length(grafana_notification_policy.root) == 1
    error_message = "There is a bot, and nobody is told."
  }
}

run "tokens_are_sensitive" {
  assert {
    condition     = issensitive(output.grafana_token)
    error_message = "The token would be printed."
  }
  assert {
    condition     = nonsensitive(output.grafana_token) == "glsa_of-the-test"
    error_message = "The token is not the service account's."
  }
}

run "an_owner_that_is_no_labels_value_is_refused" {
  command = plan
  variables {
    owner = "jane-"
  }
  expect_failures = [var.owner]
}

run "an_unknown_row_of_windows_is_refused" {
  command = plan
  variables {
    windows = "lab"
  }
  expect_failures = [var.windows]
}
